/**
 * Objects of bpftool that skep has not built yet. Their tables are whole, so that a prefix means what it means there,
 * and each verb says what is missing.
 */
import { alias, helpOf, type Noun, notYet } from './command.ts';

const LIST = ['show', 'list'] as const;

/** A noun whose verbs all answer with what is missing; `show` brings its alias `list` along. */
function unbuilt(name: string, verbs: Readonly<Record<string, string>>): Noun {
  const entries: Record<string, Noun['verbs'][string]> = {};
  const help = helpOf(() => noun);
  for (const [verb, usage] of Object.entries(verbs)) {
    const entry = notYet(`'${name} ${verb}'`, [usage]);
    entries[verb] = entry;
    if (verb === LIST[0]) entries[LIST[1]] = alias(entry);
  }
  entries['help'] = help;
  const noun: Noun = { name, verbs: entries };
  return noun;
}

export const gen = unbuilt('gen', {
  object: 'OUTPUT_FILE INPUT_FILE...',
  skeleton: 'FILE [name OBJECT_NAME]',
  subskeleton: 'FILE [name OBJECT_NAME]',
  min_core_btf: 'INPUT OUTPUT OBJECT...',
});
