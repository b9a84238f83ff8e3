/** Which attach types are places of cgroups: those of packets, and those that somebody calls. */
import { ATTACH_TYPES, attachTypeName } from '../../uapi/attach-types.ts';
import { BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET_INGRESS } from '../../uapi/generated/constants.ts';
import { PROG_TYPES } from '../../uapi/prog-types.ts';

export function isCgroupSkb(attachType: number): boolean {
  return attachType === BPF_CGROUP_INET_INGRESS || attachType === BPF_CGROUP_INET_EGRESS;
}

/** Whether it is one that is called: every other one that cgroups have. */
export function isCgroupPlace(attachType: number): boolean {
  return !isCgroupSkb(attachType) && (attachTypeName(attachType)?.startsWith('cgroup_') ?? false);
}

/** The program type that attaches at a cgroup so; undefined for what is no place of cgroups. */
export function cgroupProgType(attachType: number): number | undefined {
  const name = attachTypeName(attachType);
  return name?.startsWith('cgroup_') ? PROG_TYPES[ATTACH_TYPES[name].progTypes[0]].id : undefined;
}

/** The attach types of cgroups that a program type has. */
export function cgroupPlaces(progType: number): number[] {
  return Object.values(ATTACH_TYPES)
    .map(({ id }) => id)
    .filter((id) => cgroupProgType(id) === progType);
}
