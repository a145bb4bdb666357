/* Two kernels side by side, each in a machine of its own: the same scene is played on both. */
import { Desk, type Kernel, type Places } from './desk.js';
import type { MachineOptions } from './machine.js';
import { COMPARED } from './scenes/compared.js';
import { ScenePanel } from './scenes/panel.js';
import type { Scene } from './scenes/scenes.js';
import { Stage } from './scenes/stage.js';
import { byId, play, say } from './status.js';
import { element } from './views/dom.js';

interface Side {
    title: string;
    idea: string;
    kernel: Kernel;
}

const SIDES: Side[] = [
    {
        title: 'Attic', idea: 'All entries of the kernel half exist since the boot: no directory ever changes there.',
        kernel: { description: 'kernel.json', state: 'attic' },
    }, {
        title: 'Variant kpde-lazy', idea: 'An entry is written when it is needed, into the master directory. Others get it by a page fault.',
        kernel: { description: 'kpde-lazy.json', state: 'kpde-lazy' },
    },
];

export async function openComparison(options: MachineOptions): Promise<void> {
    const desks = await Promise.all(SIDES.map(side => Desk.create(options, side.kernel, column(side),
        finding => finding === 'foreign' && say(`${side.title}: the machine is not that of its description.`))));
    const stages = desks.map((desk, index) => new Stage(desk, (...step) => index === 0 && panel.say(...step)));
    const onAll = (work: (stage: Stage) => Promise<void>) => play(async () => { await Promise.all(stages.map(work)); });
    const panel = new ScenePanel(byId('scenes'), COMPARED, (scene: Scene) => onAll(stage => stage.start(scene)),
                                 () => onAll(stage => stage.next()));
    const restart = () => Promise.all(desks.map((desk, index) => {
        stages[index].stop();
        return desk.restart();
    }));
    byId('restart').addEventListener('click', () => play(async () => { await restart(); }));
    await restart();
}

/* The elements of a side, below each other. */
function column({ title, idea }: Side): Places {
    const column = element('section', { 'aria-label': title }, element('h2', {}, title), element('p', {}, idea));
    const part = (name: string): HTMLElement => {
        const host = element('div');
        column.append(element('section', { 'aria-label': `${title}: ${name}` }, element('h3', {}, name), host));
        return host;
    };
    const terminal = element('section', { class: 'terminal', 'aria-label': `${title}: terminal; Escape, then Tab leaves it` });
    const timeline = element('div');
    column.append(terminal, timeline);
    byId('kernels').append(column);
    return { terminal, timeline, directories: part('Page directories'), walk: part('Walk'), physical: part('Physical memory'),
             map: part('Virtual map') };
}
