/* Files: those that the page fetches, which all lie beside it under relative names, so that any folder of any server will do; and those
   that the user saves and opens. */

async function fetched(name: string): Promise<Response> {
    const response = await fetch(name);
    if (!response.ok)
        throw new Error(`${name} cannot be loaded: ${response.status} ${response.statusText}`);
    return response;
}

export async function bytes(name: string): Promise<ArrayBuffer> {
    return (await fetched(name)).arrayBuffer();
}

export async function text(name: string): Promise<string> {
    return (await fetched(name)).text();
}

export async function json<T>(name: string): Promise<T> {
    return (await fetched(name)).json();
}

/* Give the user a file, compressed by gzip. */
export async function download(name: string, content: ArrayBuffer): Promise<void> {
    const packed = new Blob([content]).stream().pipeThrough(new CompressionStream('gzip'));
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await new Response(packed).blob());
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
}

/* Unpack such a file; an error if it is none. */
export async function unpacked(file: Blob): Promise<ArrayBuffer> {
    return new Response(file.stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

const ISO_MARK = 'CD001', ISO_MARK_AT = 0x8001;  // ECMA-119, 8.1

/* Whether a file is the image of a CD. The BIOS does not say so, and v86 fails. */
export function isCd(image: ArrayBuffer): boolean {
    const mark = new Uint8Array(image).subarray(ISO_MARK_AT, ISO_MARK_AT + ISO_MARK.length);
    return String.fromCharCode(...mark) === ISO_MARK;
}

/* Ask the user for a file; null if none was chosen. */
export function chosen(accept: string): Promise<File | null> {
    return new Promise(resolve => {
        const input = document.createElement('input');
        input.type = 'file';
        input.accept = accept;
        input.addEventListener('change', () => resolve(input.files?.[0] ?? null));
        input.addEventListener('cancel', () => resolve(null));
        input.click();
    });
}
