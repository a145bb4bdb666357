/* The words of an explanation, each from the kernel's own tables (kernel/view/explain_words.c, mm/kva/dma_verdict.c), by its enumerator. */
import type { Kernel } from '../kernel.js';

export interface Bit {
    mask: number;
    name: string;
    meaning: [string, string];  // when 0, when 1
}

export class Words {
    constructor(private kernel: Kernel) { }

    text = (name: string) => this.word('explain_texts', 'explain_text', name);
    label = (name: string) => this.word('explain_labels', 'explain_label', name);
    level = (name: string) => this.word('explain_levels', 'explain_level', name);
    form = (name: string) => this.word('explain_forms', 'explain_form', name);
    content = (name: string) => this.word('explain_contents', 'explain_content', name);
    access = (name: string) => this.word('explain_accesses', 'explain_access', name);
    why = (name: string) => this.word('explain_whys', 'explain_why', name);
    kind = (name: string) => this.word('explain_kinds', 'explain_kind', name);
    gap = (name: string) => this.word('explain_gaps', 'explain_gap', name);
    wrong = (name: string) => this.word('explain_wrongs', 'explain_wrong', name);

    private word(table: string, enumeration: string, name: string): string {
        return this.kernel.variable(table).at(this.kernel.enumerator(enumeration, name)).text;
    }

    /* What PTE_AVL means in the vmalloc area. */
    avl(value: number): string {
        return this.kernel.variable('explain_avl').at(value).text;
    }

    /* The bits of a form of entry, line by line. */
    bits(form: string): Bit[][] {
        const all = this.kernel.variable('explain_bits').at(this.kernel.enumerator('explain_form', form)), found: Bit[] = [];
        for (let i = 0; i < all.length; i++) {
            const bit = all.at(i), mask = bit.field('mask').number, meaning = bit.field('meaning');
            if (mask)
                found.push({ mask, name: bit.field('name').text, meaning: [meaning.at(0).text, meaning.at(1).text] });
        }
        const row = this.kernel.enumerator('explain_bit_counts', 'EXPLAIN_BITS_PER_ROW');
        return Array.from({ length: Math.ceil(found.length / row) }, (_, i) => found.slice(i * row, (i + 1) * row));
    }

    /* The name and the reason of a result of the DMA API. */
    refusal(verdict: string): { name: string; why: string } {
        const found = this.kernel.variable('dma_refusals').at(this.kernel.enumerator('dma_verdict', verdict));
        return { name: found.field('name').text, why: found.field('why').text };
    }
}
