/** BPF_BTF_LOAD: type information for programs and maps. */
import { E2BIG, EINVAL, ENOSPC } from '../../base/errno.ts';
import { inspectBtf, objectTypesError, parseBtf } from '../../btf/index.ts';
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
  if (room !== 0 && level === 0) return -EINVAL;
  // The caller may change its bytes afterwards; ours stay.
  const bytes = given.slice();
  const fault = inspectBtf(bytes);
  const log =
    level !== 0 && room !== 0 ? writeLog(fault === undefined ? '' : `${fault.line}\n`, level, room) : undefined;
  const fields = log === undefined ? {} : { btf_log_buf: log.buffer, btf_log_true_size: log.trueSize };
  if (log?.cut) return { ret: -ENOSPC, ...fields };
  if (fault !== undefined) return { ret: -fault.errno, ...fields };
  const btf = parseBtf(bytes);
  const error = objectTypesError(btf);
  if (error !== 0) return { ret: -error, ...fields };
  return { ret: client.fds.install(new BtfObject(client.core.btfs, '', () => btf)), ...fields };
};
