/* The form of kernel.json, which web/tools/kernel_json.py makes of the kernel's debug information. */

export type Type =
    | { kind: 'number'; size: number }
    | { kind: 'char'; size: 1 }
    | { kind: 'bits'; from: number; count: number }
    | { kind: 'enum'; name: string; size: number }
    | { kind: 'pointer'; to: Type }
    | { kind: 'array'; of: Type; count: number }
    | { kind: 'struct'; name: string; size: number };

export interface Variable {
    address: number;
    type: Type;
}

export interface KernelJson {
    pageOffset: number;
    code: { start: number; size: number; hash: number };
    structs: Record<string, { size: number; fields: Record<string, { at: number; type: Type }> }>;
    enums: Record<string, Record<string, number>>;
    variables: Record<string, Variable>;
    symbols: [start: number, end: number, name: string][];  // functions and variables, by address
}
