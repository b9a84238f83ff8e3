/** Names as calls print them: `bpf_map_lookup_elem` for 1. */
import { HELPER_IDS } from '../../uapi/generated/helper-ids.ts';

export const BPF_FUNC_NAMES: readonly (string | undefined)[] = byId();

function byId(): string[] {
  const names: string[] = ['bpf_unspec'];
  for (const [name, id] of Object.entries(HELPER_IDS)) names[id] = `bpf_${name}`;
  return names;
}
