/** What tools ask of a program's instructions. It is made when the first one asks: most programs are only run. */
import { concat } from '../../base/bytes.ts';
import { decode, encode } from '../../isa/index.ts';
import type { LiveMap } from '../objects/map.ts';
import type { ProgText } from '../objects/prog.ts';
import { callsAny } from './helper-calls.ts';
import { resolveToIds } from './map-references.ts';
import { programTag } from './tag.ts';

const SLOT_SIZE = 8;

export class ProgramText implements ProgText {
  readonly #bytecode: Uint8Array;
  readonly #insns: Uint8Array;
  readonly #starts: readonly number[];
  readonly #maps: readonly LiveMap[];
  #tag: Uint8Array | undefined;
  #subprogTags: Uint8Array | undefined;
  #xlated: Uint8Array | undefined;

  /** `bytecode` as it was given, `insns` as the verifier left it; `starts` are the slots where subprograms begin. */
  constructor(bytecode: Uint8Array, insns: Uint8Array, starts: readonly number[], maps: readonly LiveMap[]) {
    this.#bytecode = bytecode;
    this.#insns = insns;
    this.#starts = starts;
    this.#maps = maps;
  }

  get size(): number {
    return this.#insns.length;
  }

  get tag(): Uint8Array {
    return (this.#tag ??= programTag(this.#bytecode));
  }

  get subprogTags(): Uint8Array {
    return (this.#subprogTags ??= this.#starts.length > 1 ? this.#tagsOfSubprogs() : this.tag);
  }

  get xlated(): Uint8Array {
    return (this.#xlated ??= this.#withIds());
  }

  calls(helpers: ReadonlySet<number>): boolean {
    return callsAny(this.#insns, helpers);
  }

  #withIds(): Uint8Array {
    const xlated = decode(this.#insns);
    resolveToIds(xlated, this.#maps);
    return encode(xlated);
  }

  #tagsOfSubprogs(): Uint8Array {
    const ends = [...this.#starts.slice(1), this.#insns.length / SLOT_SIZE];
    const part = (start: number, i: number) => this.#insns.subarray(start * SLOT_SIZE, ends[i]! * SLOT_SIZE);
    return concat(this.#starts.map((start, i) => programTag(part(start, i))));
  }
}
