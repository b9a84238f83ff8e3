/** A map as the verifier wants to know it. */

import { ArenaMap, type MapDef } from '../../maps/index.ts';
import { BPF_F_RDONLY_PROG } from '../../uapi/generated/constants.ts';
import type { VerifierMap } from '../../verifier/index.ts';
import type { Core } from '../core.ts';
import type { LiveMap, MapBtf } from '../objects/map.ts';

export function verifierMap(core: Core, live: LiveMap): VerifierMap {
  const { def, map, btf } = live;
  const isConstant =
    live.frozen && (def.flags & BPF_F_RDONLY_PROG) !== 0 && def.maxEntries === 1 && map.valueBase !== 0;
  return {
    id: live.id,
    ...facts(def),
    frozen: live.frozen,
    ...types(btf),
    ...(def.inner === undefined
      ? {}
      : { inner: { id: 0, frozen: false, ...facts(def.inner), ...types(live.innerBtf) } }),
    ...(map instanceof ArenaMap ? { userAddress: map.hasUserAddress ? map.userAddress : 0n } : {}),
    ...(isConstant ? { constants: () => core.mem.read(map.valueBase, def.valueSize) } : {}),
  };
}

function types(btf: MapBtf | undefined) {
  return btf === undefined ? {} : { btf: btf.object.btf, btfKeyTypeId: btf.keyTypeId, btfValueTypeId: btf.valueTypeId };
}

function facts(def: MapDef) {
  const { name, type, keySize, valueSize, maxEntries, flags } = def;
  return { name, type, keySize, valueSize, maxEntries, flags };
}
