/** What program cases keep of a verifier's log. */

const STATISTICS = /^(processed |verification time|stack depth)/;
const PROCESSED =
  /processed (\d+) insns \(limit (\d+)\) max_states_per_insn (\d+) total_states (\d+) peak_states (\d+) mark_read (\d+)/;
/** Kernel addresses, which differ from boot to boot, and what stands for them in files. */
const ADDRESS = /\b(0x)?[0-9a-f]{16}\b|\b(0x)?PTR\b/g;

/** The last line that says something. An endless loop is told before the states that show it, and stands for them. */
export function lastMessage(log: string): string {
  const loop = /infinite loop detected at insn \d+/.exec(log);
  if (loop) return loop[0];
  const line = log.split('\n').findLast((text) => text.trim() !== '' && !STATISTICS.test(text)) ?? '';
  // One message has no newline, and runs into the statistics.
  const cut = line.indexOf('processed ');
  return cut > 0 ? line.slice(0, cut) : line;
}

/** insns, limit, max_states_per_insn, total_states, peak_states, mark_read; undefined where the log has none. */
export function processedOf(log: string): number[] | undefined {
  const found = [...log.matchAll(new RegExp(PROCESSED, 'g'))].at(-1);
  return found?.slice(1).map(Number);
}

export function withoutAddresses(text: string): string {
  return text.replace(ADDRESS, '0xPTR');
}

/**
 * The lines of a log that follow from the program alone: without source lines, which come from line info that cases do
 * not have, and without the time it took.
 */
export function comparableLines(log: string): string[] {
  return withoutAddresses(log)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('; ') && !/^(verification time|stack depth)/.test(line));
}
