/** Times as bpftool prints them. */

/** `2026-11-22T10:43:50+0000`: local time at `at` (milliseconds of the epoch), with the zone's minutes east of UTC. */
export function localTime(at: number, zoneMinutes: number): string {
  const local = new Date(at + zoneMinutes * 60_000).toISOString().slice(0, 19);
  const minutes = Math.abs(zoneMinutes);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${local}${zoneMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
}
