/** bpf_user_ringbuf_drain: gives a callback each record that user space wrote, as a dynptr. */
import { EBUSY, EINVAL } from '../base/errno.ts';
import { UserRingBufferMap } from '../maps/index.ts';
import { BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP } from '../uapi/generated/constants.ts';
import { setDynptr } from './dynptr-layout.ts';
import type { Helper } from './helper.ts';

/** BPF_MAX_USER_RINGBUF_SAMPLES: of one call. */
const MAX_RECORDS = 128 * 1024;

export const user_ringbuf_drain: Helper = {
  args: 'iiLL',
  ret: 'int',
  bind: (env) => (mapAddr, callback, ctx, ctxHi, flags, flagsHi) => {
    const ring = env.mapAt(mapAddr! >>> 0);
    if (!(ring instanceof UserRingBufferMap) || flagsHi !== 0) return -EINVAL;
    if ((flags! & ~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP)) !== 0) return -EINVAL;
    if (ring.draining) return -EBUSY;
    ring.draining = true;
    try {
      let taken = 0;
      for (let enough = false; !enough && taken < MAX_RECORDS; taken++) {
        const record = ring.oldest();
        if (record === undefined) break;
        setDynptr(env.mem, ring.dynptr, record.addr, record.size);
        enough = env.callback(callback!, ring.dynptr, 0, ctx!, ctxHi!, 0, 0, 0, 0) !== 0;
        ring.consume();
      }
      return taken;
    } finally {
      ring.draining = false;
    }
  },
};
