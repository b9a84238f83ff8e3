/** Finding things by position and by key. */

/** Index of the first item at `offset` or after it; items ascend by their offset. */
export function firstAtOrAfter(items: readonly { readonly offset: number }[], offset: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Items by key, in their order. */
export function groupBy<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const k = key(item);
    const group = groups.get(k);
    if (group) group.push(item);
    else groups.set(k, [item]);
  }
  return groups;
}
