/** A map as the verifier wants to know it. */

import type { MapDef } from '../../maps/index.ts';
import { BPF_F_RDONLY_PROG } from '../../uapi/generated/constants.ts';
import type { VerifierMap } from '../../verifier/index.ts';
import type { Core } from '../core.ts';
import type { LiveMap } from '../objects/map.ts';

export function verifierMap(core: Core, live: LiveMap): VerifierMap {
  const { def, map, btf } = live;
  const isConstant =
    live.frozen && (def.flags & BPF_F_RDONLY_PROG) !== 0 && def.maxEntries === 1 && map.valueBase !== 0;
  return {
    id: live.id,
    ...facts(def),
    frozen: live.frozen,
    ...(btf === undefined ? {} : { btf: btf.object.btf, btfKeyTypeId: btf.keyTypeId, btfValueTypeId: btf.valueTypeId }),
    ...(def.inner === undefined ? {} : { inner: { id: 0, frozen: false, ...facts(def.inner) } }),
    ...(isConstant ? { constants: () => core.mem.read(map.valueBase, def.valueSize) } : {}),
  };
}

function facts(def: MapDef) {
  const { name, type, keySize, valueSize, maxEntries, flags } = def;
  return { name, type, keySize, valueSize, maxEntries, flags };
}
