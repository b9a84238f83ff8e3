/**
 * The map in which programs find where the arguments of static probes are: a record per kind of site, whose number the
 * site has as its cookie (include/bpf/usdt.bpf.h). Sites with the same arguments and the same user's cookie share one.
 */

import { view } from '../base/bytes.ts';
import { SkepError } from '../base/errors.ts';
import type { BpfMap } from './map.ts';
import { USDT_SPEC_SIZE, usdtSpec } from './usdt-args.ts';

export const USDT_SPECS_MAP = '__bpf_usdt_specs';

interface Kept {
  readonly id: number;
  users: number;
}

export class UsdtSpecs {
  readonly #map: BpfMap;
  readonly #kept = new Map<string, Kept>();
  readonly #free: number[] = [];
  #next = 0;

  /** `map`: the object's map of that name. */
  constructor(map: BpfMap) {
    if (map.shape.keySize !== 4 || map.shape.valueSize !== USDT_SPEC_SIZE) {
      throw new SkepError('ERR_ATTACH', `the object's map ${USDT_SPECS_MAP} is not that of a usdt.bpf.h we know`);
    }
    this.#map = map;
  }

  /** The number of the record for such a site, written if it is new. Give it back with `release`. */
  async take(args: string, machine: number, cookie: bigint): Promise<number> {
    const key = `${machine} ${cookie} ${args}`;
    const known = this.#kept.get(key);
    if (known) {
      known.users++;
      return known.id;
    }
    const record = usdtSpec(args, machine, cookie);
    const id = this.#free.pop() ?? this.#next++;
    if (id >= this.#map.shape.maxEntries) {
      this.#next = id;
      throw new SkepError(
        'ERR_ATTACH',
        `${USDT_SPECS_MAP} is full: compile with -DBPF_USDT_MAX_SPEC_CNT=${2 * this.#map.shape.maxEntries}`,
      );
    }
    this.#kept.set(key, { id, users: 1 });
    const index = new Uint8Array(4);
    view(index).setUint32(0, id, true);
    await this.#map.update(index, record).catch((error: unknown) => {
      this.release(id);
      throw error;
    });
    return id;
  }

  release(id: number): void {
    for (const [key, kept] of this.#kept) {
      if (kept.id !== id || --kept.users > 0) continue;
      this.#kept.delete(key);
      this.#free.push(id);
    }
  }
}
