/** Global variables: values that the caller sets in the contents of data maps before they are made. */
import { BtfError, SkepError } from '../base/errors.ts';
import { type BtfValue, encodeValue, sizeOf } from '../btf/index.ts';
import type { CollectionSpec } from '../object/index.ts';

/** Contents of the data maps by map name, with `globals` written into them. Throws for a name that is no variable. */
export function applyGlobals(
  spec: CollectionSpec,
  globals: Readonly<Record<string, BtfValue>>,
): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  for (const map of spec.maps.values()) if (map.data) contents.set(map.name, map.data.slice());
  for (const [name, value] of Object.entries(globals)) {
    const place = findVariable(spec, name);
    if (!place) throw new SkepError('ERR_NO_SUCH_GLOBAL', `the object has no global variable '${name}'`);
    try {
      contents.get(place.map)!.set(encodeValue(spec.btf!, place.typeId, value), place.offset);
    } catch (error) {
      if (!(error instanceof BtfError)) throw error;
      throw new SkepError(error.code, `the global variable '${name}': ${error.message}`, { cause: error });
    }
  }
  return contents;
}

/** Where a variable lies. */
function findVariable(spec: CollectionSpec, name: string): { map: string; offset: number; typeId: number } | undefined {
  const { btf } = spec;
  if (!btf) return undefined;
  for (const map of spec.maps.values()) {
    const section = map.data && map.isData ? btf.type(map.valueTypeId) : undefined;
    if (section?.kind !== 'datasec') continue;
    for (const entry of section.vars) {
      const variable = btf.type(entry.type);
      if (variable?.kind !== 'var' || variable.name !== name) continue;
      const size = sizeOf(btf, variable.type);
      if (entry.offset + size <= map.data!.length) {
        return { map: map.name, offset: entry.offset, typeId: variable.type };
      }
    }
  }
  return undefined;
}
