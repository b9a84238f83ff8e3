/**
 * PTR_TO_MEM, PTR_TO_BUF, PTR_TO_TP_BUFFER, PTR_TO_FLOW_KEYS, PTR_TO_ARENA: plain memory of one kind or another.
 */
import { MAYBE_NULL, RDONLY, typeName, UNTRUSTED } from '../state/types.ts';
import { checkBuffer, checkRegion } from './region.ts';
import { answerUnknown, checkNoLeak, type PointerRule } from './rule.ts';

/** sizeof(struct bpf_flow_keys) */
const FLOW_KEYS_SIZE = 56;

export const mem: PointerRule = {
  access(env, ptr, a) {
    const { type } = ptr;
    if (type & MAYBE_NULL) env.reject('EACCES', `R${a.regno} invalid mem access '${typeName(type)}'`);
    if (a.write && type & RDONLY) env.reject('EACCES', `R${a.regno} cannot write into ${typeName(type)}`);
    checkNoLeak(env, a, 'mem');
    // Untrusted read-only memory is read with a probe that cannot fault.
    if (!(type & RDONLY && type & UNTRUSTED)) {
      checkRegion(env, ptr, a.regno, a.off, a.size, ptr.aux >>> 0, false);
    } else if (!a.write) {
      env.faultable.add(env.pc);
    }
    answerUnknown(env, a);
  },
};

export const buffer: PointerRule = {
  access(env, ptr, a) {
    const { type } = ptr;
    if (type & MAYBE_NULL) env.reject('EACCES', `R${a.regno} invalid mem access '${typeName(type)}'`);
    if (a.write && type & RDONLY) env.reject('EACCES', `R${a.regno} cannot write into ${typeName(type)}`);
    checkBuffer(env, ptr, a.regno, type & RDONLY ? 'rdonly' : 'rdwr', a.off, a.size);
    answerUnknown(env, a);
  },
};

export const tracepointBuffer: PointerRule = {
  access(env, ptr, a) {
    checkBuffer(env, ptr, a.regno, 'tracepoint', a.off, a.size);
    answerUnknown(env, a);
  },
};

export const flowKeys: PointerRule = {
  word: 'flow keys ',
  access(env, _ptr, a) {
    checkNoLeak(env, a, 'flow keys');
    if (a.off < 0 || a.off + a.size > FLOW_KEYS_SIZE) {
      env.reject('EACCES', `invalid access to flow keys off=${a.off} size=${a.size}`);
    }
    answerUnknown(env, a);
  },
};

export const arena: PointerRule = {
  access(env, _ptr, a) {
    answerUnknown(env, a);
  },
};
