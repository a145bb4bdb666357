/* What a test prints: a line for each point, as TAP has them, and in the end the plan. */
let points = 0;

export function point(good: boolean, name: string, why: string): void {
    points++;
    console.log(`${good ? 'ok' : 'not ok'} ${points} - ${name}`);
    if (!good)
        console.log(why.replace(/^/gm, '# '));
}

export function skip(name: string, why: string): void {
    points++;
    console.log(`ok ${points} - ${name} # SKIP ${why}`);
}

/* Run a test to its end, and the program with it. */
export function run(test: () => Promise<void>): void {
    test().then(() => {
        console.log(`1..${points}`);
        process.exit(0);
    }, error => {
        console.error(error instanceof Error ? error.stack : error);
        process.exit(1);
    });
}
