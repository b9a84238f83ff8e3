/**
 * The constant format of bpf_snprintf. Linux: check_bpf_snprintf_call(), bpf_bprintf_prepare().
 */
import type { Env } from '../env.ts';
import { constString } from './arg/const-str.ts';

export function checkFormat(env: Env): void {
  const size = env.reg(5);
  if (size.value % 8n !== 0n) env.reject('EINVAL', '');
  const format = constString(env, env.reg(3));
  const wanted = countArguments(format);
  if (wanted === null || wanted > Number(size.value / 8n)) env.reject('EINVAL', 'Invalid format string');
}

/** Arguments that a format takes, or null where it is not one that the kernel takes. */
function countArguments(format: string): number | null {
  let count = 0;
  for (let k = 0; k < format.length; k++) {
    const ch = format.charCodeAt(k);
    if (ch > 126 || (ch < 32 && !(ch >= 9 && ch <= 13))) return null;
    if (format[k] !== '%') continue;
    k++;
    if (format[k] === '%') continue;
    if (count >= 12) return null;
    const match = /^[0+\- ]*\d*(p[ksSBx]?(?![a-zA-Z0-9])|pi4|pI4|pi6|pI6|p(?![a-zA-Z0-9])|s|c|(?:l|ll)?[iduxX])/.exec(
      format.slice(k),
    );
    if (!match) return null;
    k += match[0].length - 1;
    count++;
  }
  return count;
}
