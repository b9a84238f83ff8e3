/** bpftool perf: who holds programs attached to perf events. */
import { alias, helpOf, type Noun, type VerbEntry } from '../command.ts';

const show: VerbEntry = { usage: [''], load: () => import('./show.ts').then((m) => m.show) };

export const perf: Noun = { name: 'perf', verbs: { show, list: alias(show), help: helpOf(() => perf) } };
