/** Which helpers are done in WebAssembly beside the program, for which types of map. */
import {
  BPF_FUNC_get_prandom_u32,
  BPF_FUNC_get_smp_processor_id,
  BPF_FUNC_map_delete_elem,
  BPF_FUNC_map_lookup_elem,
  BPF_FUNC_map_peek_elem,
  BPF_FUNC_map_pop_elem,
  BPF_FUNC_map_push_elem,
  BPF_FUNC_map_update_elem,
  BPF_FUNC_ringbuf_discard,
  BPF_FUNC_ringbuf_output,
  BPF_FUNC_ringbuf_reserve,
  BPF_FUNC_ringbuf_submit,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_QUEUE,
  BPF_MAP_TYPE_STACK,
} from '../../uapi/generated/constants.ts';
import { writeAnyLookup } from './any-map.ts';
import { writeArrayUpdate } from './array.ts';
import { writeCpu } from './cpu.ts';
import type { MapFacts } from './facts.ts';
import { HASH_LOOKUP_TYPES, HASH_TYPES, writeHashDelete, writeHashLookup, writeHashUpdate } from './hash-table.ts';
import type { HelperFunction, MapFunction } from './helper-function.ts';
import { writeLpmLookup } from './lpm.ts';
import { writePeek, writePop, writePush } from './queue.ts';
import { writeRandom } from './random.ts';
import { writeDiscard, writeOutput, writeReserve, writeSubmit } from './ringbuf.ts';

type MapWriter = (f: MapFunction) => void;

const ARRAYS = [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY];
const QUEUES = [BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK];

interface Row {
  readonly helper: number;
  /** The letters of the helper's arguments that the function is written for. */
  readonly args: string;
  readonly types: readonly number[];
  readonly write: MapWriter;
  /** It takes all bytes of values for the program's: not for those in which the kernel keeps something. */
  readonly plain?: true;
}

const ROWS: readonly Row[] = [
  { helper: BPF_FUNC_map_lookup_elem, args: 'ii', types: HASH_LOOKUP_TYPES, write: writeHashLookup },
  { helper: BPF_FUNC_map_lookup_elem, args: 'ii', types: [BPF_MAP_TYPE_LPM_TRIE], write: writeLpmLookup },
  { helper: BPF_FUNC_map_update_elem, args: 'iiiL', types: ARRAYS, write: writeArrayUpdate, plain: true },
  { helper: BPF_FUNC_map_update_elem, args: 'iiiL', types: HASH_TYPES, write: writeHashUpdate, plain: true },
  { helper: BPF_FUNC_map_delete_elem, args: 'ii', types: HASH_TYPES, write: writeHashDelete, plain: true },
  { helper: BPF_FUNC_map_push_elem, args: 'iiL', types: QUEUES, write: writePush },
  { helper: BPF_FUNC_map_pop_elem, args: 'ii', types: QUEUES, write: writePop },
  { helper: BPF_FUNC_map_peek_elem, args: 'ii', types: QUEUES, write: writePeek },
];

/** Those that need not know the map beforehand: there is one type of it, and a record says itself where it is. */
const ANY_MAP: ReadonlyMap<number, { readonly args: string; readonly write: (f: HelperFunction) => void }> = new Map([
  [BPF_FUNC_ringbuf_reserve, { args: 'iLL', write: writeReserve }],
  [BPF_FUNC_ringbuf_output, { args: 'iiLL', write: writeOutput }],
  [BPF_FUNC_ringbuf_submit, { args: 'iL', write: writeSubmit }],
  [BPF_FUNC_ringbuf_discard, { args: 'iL', write: writeDiscard }],
  [BPF_FUNC_get_smp_processor_id, { args: '', write: writeCpu }],
  [BPF_FUNC_get_prandom_u32, { args: '', write: writeRandom }],
]);

/** What looks up in a map that is not known before. */
export function unknownMapWriter(helper: number, args: string): ((f: HelperFunction) => void) | undefined {
  return helper === BPF_FUNC_map_lookup_elem && args === 'ii' ? writeAnyLookup : undefined;
}

/** What writes the function for a helper on a map, or undefined where JavaScript does it. */
export function mapWriter(helper: number, args: string, map: MapFacts): MapWriter | undefined {
  const row = ROWS.find((r) => r.helper === helper && r.types.includes(map.type));
  return row === undefined || row.args !== args || (row.plain === true && map.special) ? undefined : row.write;
}

/** The same for a helper that need not know a map. */
export function helperWriter(helper: number, args: string): ((f: HelperFunction) => void) | undefined {
  const row = ANY_MAP.get(helper);
  return row?.args === args ? row.write : undefined;
}
