/** BPF_MAP_TYPE_CGROUP_ARRAY: cgroups that bpf_current_task_under_cgroup and bpf_skb_under_cgroup ask about. */
import { orNull } from './base-map.ts';
import type { MapObject, MapType } from './map.ts';
import { checkObjectArray, ObjectArray } from './object-array.ts';

export const cgroupArray: MapType = {
  check: (def) => checkObjectArray(def),
  create: (def, env) => orNull(() => new CgroupArrayMap(def, env)),
};

export class CgroupArrayMap extends ObjectArray {
  protected readonly kind = 'cgroup';

  /** The cgroup at `index`, if there is one: its id is the cgroup's id. */
  cgroup(index: number): MapObject | undefined {
    return this.objects.get(index);
  }
}
