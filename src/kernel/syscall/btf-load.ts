/** BPF_BTF_LOAD: type information for programs and maps. */
import { E2BIG, EINVAL, ENOSPC } from '../../base/errno.ts';
import { BtfError } from '../../base/errors.ts';
import { parseBtf } from '../../btf/index.ts';
import { writeLog } from '../load/log.ts';
import { BtfObject } from '../objects/btf.ts';
import type { Handler } from './handler.ts';

/** BTF_MAX_SIZE of Linux. */
const MAX_SIZE = 16 * 1024 * 1024;

export const btfLoad: Handler<'BTF_LOAD'> = (client, attr) => {
  if (attr.btf_flags) return -EINVAL;
  const given = attr.btf ?? new Uint8Array(0);
  if (given.length > MAX_SIZE) return -E2BIG;
  const level = attr.btf_log_level ?? 0;
  const room = attr.btf_log_buf ?? 0;
  if ((level !== 0) !== (room !== 0) && room !== 0) return -EINVAL;
  // The caller may change its bytes afterwards; ours stay.
  const bytes = given.slice();
  try {
    const btf = parseBtf(bytes);
    const fd = client.fds.install(new BtfObject(client.core.btfs, '', () => btf));
    return { ret: fd, btf_log_buf: new Uint8Array(0), btf_log_true_size: 0 };
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    if (level === 0 || room === 0) return -EINVAL;
    const log = writeLog(error.message + '\n', level, room);
    return { ret: log.cut ? -ENOSPC : -EINVAL, btf_log_buf: log.buffer, btf_log_true_size: log.trueSize };
  }
};
