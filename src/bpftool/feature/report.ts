/** The three ways to tell features: sentences, JSON, or C preprocessor lines. */
import type { JsonWriter } from '../json-writer.ts';

export interface Report {
  begin(): void;
  end(): void;
  /** Begins a section: its JSON key, its heading in sentences, its heading as a C comment. */
  section(key: string, heading: string, comment: string): void;
  endSection(): void;
  /** One feature: its JSON key, what it is called, and the macro behind HAVE_. */
  feature(key: string, name: string, macro: string, available: boolean): void;
  /** Helpers of one program type. `note` stands in for them where none can be told. */
  helpers(progType: string, names: readonly { name: string; available: boolean }[], note: string | undefined): void;
  /** A fact of the system: a sysctl as a number or null, an option as text or null. */
  setting(name: string, value: number | string | null, sentence: string): void;
}

export class PlainReport implements Report {
  readonly #print: (text: string) => void;

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  begin(): void {}
  end(): void {}
  section(_key: string, heading: string): void {
    this.#print(`${heading}\n`);
  }
  endSection(): void {
    this.#print('\n');
  }
  feature(_key: string, name: string, _macro: string, available: boolean): void {
    this.#print(`${name} is ${available ? '' : 'NOT '}available\n`);
  }
  helpers(progType: string, names: readonly { name: string; available: boolean }[], note: string | undefined): void {
    this.#print(`eBPF helpers supported for program type ${progType}:`);
    if (note !== undefined) this.#print(`\n\t${note}`);
    for (const { name, available } of names) if (available) this.#print(`\n\t- ${name}`);
    this.#print('\n');
  }
  setting(_name: string, _value: number | string | null, sentence: string): void {
    this.#print(`${sentence}\n`);
  }
}

export class JsonReport implements Report {
  readonly #writer: JsonWriter;

  constructor(writer: JsonWriter) {
    this.#writer = writer;
  }

  begin(): void {
    this.#writer.startObject();
  }
  end(): void {
    this.#writer.endObject();
  }
  section(key: string): void {
    this.#writer.name(key).startObject();
  }
  endSection(): void {
    this.#writer.endObject();
  }
  feature(key: string, _name: string, _macro: string, available: boolean): void {
    this.#writer.field(key, available);
  }
  helpers(progType: string, names: readonly { name: string; available: boolean }[]): void {
    const available = names.filter((helper) => helper.available).map(({ name }) => name);
    this.#writer.list(`${progType}_available_helpers`, available);
  }
  setting(name: string, value: number | string | null): void {
    this.#writer.field(name, value);
  }
}

export class MacroReport implements Report {
  readonly #print: (text: string) => void;
  readonly #prefix: string;

  constructor(print: (text: string) => void, prefix: string) {
    this.#print = print;
    this.#prefix = prefix;
  }

  begin(): void {}
  end(): void {}
  section(key: string, _heading: string, comment: string): void {
    this.#print(`${comment}\n`);
    if (key === 'helpers') this.#print(helperMacro(this.#prefix));
  }
  endSection(): void {
    this.#print('\n');
  }
  feature(_key: string, _name: string, macro: string, available: boolean): void {
    this.#print(`#define ${this.#prefix}${available ? '' : 'NO_'}HAVE_${macro}\n`);
  }
  helpers(progType: string, names: readonly { name: string; available: boolean }[]): void {
    for (const { name, available } of names) {
      this.#print(`#define ${this.#prefix}BPF__PROG_TYPE_${progType}__HELPER_${name} ${available ? 1 : 0}\n`);
    }
  }
  /** Of the system's facts only what a program may compile in: the timer's frequency. */
  setting(name: string, value: number | string | null): void {
    if (name === 'CONFIG_HZ' && value !== null) this.#print(`#define ${this.#prefix}${name} ${value}\n`);
  }
}

function helperMacro(prefix: string): string {
  return `/*
 * Use ${prefix}HAVE_PROG_TYPE_HELPER(prog_type_name, helper_name)
 * to determine if <helper_name> is available for <prog_type_name>,
 * e.g.
 *	#if ${prefix}HAVE_PROG_TYPE_HELPER(xdp, bpf_redirect)
 *		// do stuff with this helper
 *	#elif
 *		// use a workaround
 *	#endif
 */
#define ${prefix}HAVE_PROG_TYPE_HELPER(prog_type, helper)	\\
	${prefix}BPF__PROG_TYPE_ ## prog_type ## __HELPER_ ## helper
`;
}
