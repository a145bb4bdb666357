/* The kernel's self-tests in v86: a second emulator, which reads the manual in its own way. Run by tests/run/web/test_web.py, under Node.

       node ktests.mjs FOLDER [GLOB]

   FOLDER is that of `make web`. Prints TAP: a point for each suite; what v86 cannot do is skipped, with the reason. */
import { command } from '../src/prompt.js';
import type { Machine } from '../src/machine.js';
import { atPrompt } from './lib/files.js';
import { point, run, skip } from './lib/tap.js';

const SECONDS = 60;  // without a word from the machine
const LINE = 200;    // characters

/* What v86 does not do: version 0.5.462. */
const NO_TF = 'v86 has no single steps (TF)';
const NO_X87_ERROR = 'v86 raises no floating-point exception';
const NO_LDT = 'v86 looks a selector of a local table up where there is no such table, instead of raising an exception';
const BAD_CS = 'v86 itself ends when a selector that is no code segment is loaded into CS';
const NO_DOUBLE_FAULT = 'v86 itself ends at a page fault while a page fault is delivered';
const CANNOT: Record<string, string> = {
    'entry.local_selector': NO_LDT,
    'entry.single_steps': NO_TF,
    'fpu.program': NO_X87_ERROR,
    'fuzz.a_few_seeds': BAD_CS,
    'fuzz.machine_code': BAD_CS,
    'isolation.exceptions_end_the_process': NO_TF,
    'kill.programs_that_are_looked_at': BAD_CS,
    'stack.guard_reported': NO_DOUBLE_FAULT,
    'stack.overflow_keeps_floating_point': NO_DOUBLE_FAULT,
    'stack.state_of_an_overflow': NO_DOUBLE_FAULT,
    'sysenter.program': NO_TF,
    'tls.bad_selectors_become_0': NO_LDT,
    'turns.fuzz': BAD_CS,
    'turns.fuzz_that_is_refused_memory': BAD_CS,
    'usertests.signals': BAD_CS,
};

/* All self-tests whose names match, by suite. */
async function list(machine: Machine, glob: string): Promise<Map<string, string[]>> {
    const said = await command(machine, `test -l ${glob}`), suites = new Map<string, string[]>();
    for (const [, name, suite] of said.matchAll(/^((\w+)\.\w+)\b/gm))
        suites.set(suite, [...suites.get(suite) ?? [], name]);
    return suites;
}

/* The tests as lines that the prompt takes. */
function lines(names: string[]): string[] {
    const lines = [names[0]];
    for (const name of names.slice(1)) {
        if (lines[lines.length - 1].length + name.length < LINE)
            lines[lines.length - 1] += `,${name}`;
        else
            lines.push(name);
    }
    return lines;
}

/* Returns what is wrong; '' if all pass. The machine may be unusable afterwards. */
async function runTests(machine: Machine, names: string[]): Promise<string> {
    let said = '';
    for (const line of lines(names))
        said += await command(machine, `test ${line}`, SECONDS) + '\n';
    const count = [...said.matchAll(/^(?:not )?ok \d+/gm)].length, failed = [...said.matchAll(/^not ok \d+ .*/gm)];
    return count === names.length && !failed.length ? '' : `${count} of ${names.length} tests came to an end\n${said}`;
}

async function runSuite(machine: Machine, suite: string, names: string[]): Promise<boolean> {
    const possible = names.filter(name => !(name in CANNOT));
    for (const name of names.filter(one => one in CANNOT))
        skip(name, CANNOT[name]);
    if (!possible.length)
        return true;
    const died = new Promise<string>(ends => { emulatorEnds = ends; });
    const wrong = await Promise.race([died, runTests(machine, possible).catch(error => String(error))]);
    point(!wrong, `${suite}: ${possible.length} tests`, wrong);
    return !wrong;
}

/* v86 fails in its own main loop, not in a function that is called here. */
let emulatorEnds: (why: string) => void = () => {};
process.on('uncaughtException', error => emulatorEnds(`the emulator has failed: ${error.message}`));

run(async () => {
    const [folder, glob] = process.argv.slice(2);
    let machine = await atPrompt(folder, 'attic');
    const suites = await list(machine, glob ?? '*'), all = [...suites.values()].flat();
    const gone = glob ? [] : Object.keys(CANNOT).filter(name => !all.includes(name));
    point(!gone.length, 'all tests that v86 cannot do exist', gone.join());
    for (const [suite, names] of suites) {
        if (await runSuite(machine, suite, names))
            continue;
        await machine.destroy();
        machine = await atPrompt(folder, 'attic');
    }
});
