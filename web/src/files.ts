/* The files that the page fetches: all lie beside it, and their names are relative, so that any folder of any server will do. */

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
