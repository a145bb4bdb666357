/* The service worker: after the first visit the page works without a network. It asks the server first, so that a page that is online is
   always that of one build; what the server cannot answer comes from the cache. The cache is filled when the worker is installed, and its
   name has a hash of all files: a new build is a new worker with a new cache, which replaces the old one.

   make gives FILES and BUILD their values (web/web.mk). */
declare const FILES: string[];
declare const BUILD: string;

/* What is used here of the types of TypeScript's library "webworker", which cannot be loaded together with those of pages. */
interface WorkerEvent extends Event {
    waitUntil(done: Promise<unknown>): void;
}
interface FetchEvent extends Event {
    request: Request;
    respondWith(response: Promise<Response>): void;
}
interface Worker {
    registration: ServiceWorkerRegistration;
    skipWaiting(): Promise<void>;
    clients: { claim(): Promise<void> };
    addEventListener(type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void;
    addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
}

const worker = self as unknown as Worker;
// A server may have several such pages, and all share its caches.
const prefix = `attic ${worker.registration.scope} `;
const name = prefix + BUILD;

async function install(): Promise<void> {
    const cache = await caches.open(name);
    await cache.addAll(['./', ...FILES].map(file => new Request(file, { cache: 'no-cache' })));
    await worker.skipWaiting();
}

async function activate(): Promise<void> {
    const old = (await caches.keys()).filter(key => key.startsWith(prefix) && key !== name);
    await Promise.all(old.map(key => caches.delete(key)));
    await worker.clients.claim();
}

async function answer(request: Request): Promise<Response> {
    try {
        // The browser's own cache may have files of an older build: the server is asked whether they are still right.
        return await fetch(request.url, { cache: 'no-cache' });
    } catch (error) {
        const cached = await (await caches.open(name)).match(request, { ignoreSearch: true });
        if (cached)
            return cached;
        throw error;
    }
}

worker.addEventListener('install', event => event.waitUntil(install()));
worker.addEventListener('activate', event => event.waitUntil(activate()));
worker.addEventListener('fetch', event => {
    if (event.request.method === 'GET' && event.request.url.startsWith(worker.registration.scope))
        event.respondWith(answer(event.request));
});

export { };
