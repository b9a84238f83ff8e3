/**
 * PTR_TO_STACK: the 512 bytes below r10 of a frame of this or a calling function.
 *
 * A register stored whole at an aligned slot is remembered as it is (spilled) and comes back as it was. Other bytes are
 * misc, zero, or not there yet. Linux: check_stack_read(), check_stack_write() and what they call.
 */
import { BPF_ST, classOf } from '../../isa/index.ts';
import { assignScalarId } from '../branch/linked.ts';
import type { Env } from '../env.ts';
import { pushHistory } from '../explore/history.ts';
import { tnumText } from '../log/state.ts';
import { destroyDynptrAt } from '../resource/dynptr.ts';
import type { LiveFrame } from '../state/frame.ts';
import { histFlags } from '../state/history.ts';
import type { Reg } from '../state/reg.ts';

import {
  NOT_INIT,
  PTR_STACK,
  SLOT_DYNPTR,
  SLOT_INVALID,
  SLOT_IRQ,
  SLOT_ITER,
  SLOT_MISC,
  SLOT_SPILL,
  SLOT_ZERO,
} from '../state/types.ts';
import type { Access, PointerRule } from './rule.ts';

const STACK_SIZE = 512;
const MAX_VAR_OFF = 1n << 29n;

export const stack: PointerRule = {
  word: 'stack ',
  access(env, ptr, a) {
    checkStackBounds(env, ptr, a.regno, a.off, a.size, a.write);
    const frame = env.cur.frames[ptr.frameno]!;
    if (a.write) {
      if (ptr.isConst) writeFixed(env, frame, a.off + ptr.known, a);
      else writeVariable(env, frame, ptr, a);
      return;
    }
    if (ptr.isConst) {
      readFixed(env, frame, a.off + ptr.known, a);
      return;
    }
    if (a.valueRegno < 0) {
      env.reject(
        'EACCES',
        `variable offset stack pointer cannot be passed into helper function; var_off=${tnumText(ptr.value, ptr.mask)} off=${a.off} size=${a.size}`,
      );
    }
    readVariable(env, frame, ptr, a);
  },
};

/** The access lies in the stack, whatever the offset is. Makes the frame's stack as deep as needed. */
function checkStackBounds(env: Env, ptr: Reg, regno: number, off: number, size: number, write: boolean): void {
  const frame = env.cur.frames[ptr.frameno]!;
  const doing = write ? ' write to' : ' read from';
  let min: number;
  let max: number;
  if (ptr.isConst) {
    min = ptr.known + off;
    max = min + size;
  } else {
    if (ptr.smax >= MAX_VAR_OFF || ptr.smin <= -MAX_VAR_OFF) {
      env.reject('EACCES', `invalid unbounded variable-offset${doing} stack R${regno}`);
    }
    min = Number(ptr.smin) + off;
    max = Number(ptr.smax) + off + size;
  }
  const lowest = write || env.allowUninitStack ? -STACK_SIZE : -frame.slots * 8;
  const errno = min < lowest || min > -1 ? 'EACCES' : max > 0 ? 'EINVAL' : size < 0 ? 'EFAULT' : null;
  if (errno) {
    env.reject(
      errno,
      ptr.isConst
        ? `invalid${doing} stack R${regno} off=${min} size=${size}`
        : `invalid variable-offset${doing} stack R${regno} var_off=${tnumText(ptr.value, ptr.mask)} off=${off} size=${size}`,
    );
  }
  growStack(env, frame, -min);
}

/** Makes the lowest `size` bytes below the frame pointer exist. */
function growStack(env: Env, frame: LiveFrame, size: number): void {
  const slots = Math.ceil(size / 8);
  frame.growStack(slots);
  const sub = env.subprogs[frame.subprog]!;
  if (sub.stackDepth < slots * 8) sub.stackDepth = slots * 8;
}

/** Stack below what fastcall patterns use for themselves: they must not be touched from elsewhere. */
function checkFastcallContract(env: Env, frame: LiveFrame, off: number): void {
  const sub = env.subprogs[frame.subprog]!;
  if (sub.fastcallStackOff <= off || env.aux.fastcallPattern[env.pc]) return;
  sub.fastcallStackOff = -0x8000;
  // Someone else reads or writes there: the spills of all patterns stay in the program.
  for (let pc = sub.start; pc < sub.end; pc++) {
    env.aux.fastcallSpills[pc] = 0;
    env.aux.fastcallPattern[pc] = 0;
  }
}

const slotOf = (off: number): number => (-off - 1) >> 3;
const byteOf = (off: number): number => (-off - 1) & 7;

function isSpecialSlot(frame: LiveFrame, n: number): boolean {
  const kind = frame.kind(n, 7);
  return kind === SLOT_SPILL || kind === SLOT_DYNPTR || kind === SLOT_ITER || kind === SLOT_IRQ;
}

/** Whether nothing but written bytes, no spilled register, is overwritten. */
function isPlain(frame: LiveFrame, off: number, size: number): boolean {
  for (let k = 0; k < size; k++) {
    const kind = frame.kind(slotOf(off), byteOf(off + k));
    if (kind !== SLOT_MISC && kind !== SLOT_ZERO) return false;
  }
  return true;
}

/** What held a spilled register or object holds plain bytes from now on. */
function scrubSlot(frame: LiveFrame, n: number): void {
  for (let b = 0; b < 8; b++) if (frame.kind(n, b) !== SLOT_INVALID) frame.setKind(n, b, SLOT_MISC);
}

function spill(frame: LiveFrame, n: number, from: Reg, size: number): void {
  frame.spilled[n]!.copyFrom(from);
  if (size === 8) {
    frame.setKinds(n, SLOT_SPILL);
    return;
  }
  for (let b = 7; b > 7 - size; b--) frame.setKind(n, b, SLOT_SPILL);
  for (let b = 7 - size; b >= 0; b--) {
    const kind = frame.kind(n, b);
    if (kind !== SLOT_ZERO && kind !== SLOT_INVALID) frame.setKind(n, b, SLOT_MISC);
  }
}

function writeFixed(env: Env, frame: LiveFrame, off: number, a: Access): void {
  const n = slotOf(off);
  const { size } = a;
  const cur = env.frame;
  if (!env.caps.perfmon && frame.isSpill(n) && !frame.isSpilledScalar(n) && size !== 8) {
    env.reject('EACCES', 'attempt to corrupt spilled pointer on stack');
  }
  const reg = a.valueRegno >= 0 ? cur.regs[a.valueRegno]! : null;
  const stores = classOf(env.insns.code[env.pc]!) === BPF_ST;
  const imm = env.insns.imm[env.pc]!;
  if (env.speculation && ((reg && !reg.isScalar && reg.isInit) || !isPlain(frame, off, size))) {
    env.speculation.barAfter(env.pc);
  }
  destroyDynptrAt(env, frame, n);
  checkFastcallContract(env, frame, off);
  env.scratchSlot(n);
  if (size === 8) env.liveness.write(frame.frameno, n);
  const aligned = off % 8 === 0;
  if (reg && aligned && reg.isScalar && env.caps.bpf) {
    const whole = reg.isUmaxBelow(size * 8);
    if (whole) assignScalarId(env, reg);
    spill(frame, n, reg, size);
    if (!whole) {
      frame.spilled[n]!.id = 0;
      frame.spilled[n]!.off = 0;
    }
  } else if (!reg && aligned && stores && env.caps.bpf) {
    const constant = env.temp[0]!;
    constant.markKnown32(imm);
    spill(frame, n, constant, size);
  } else if (reg && !reg.isScalar && reg.type !== NOT_INIT) {
    if (size !== 8) {
      env.printLine(env.pc, '; ');
      env.reject('EACCES', 'invalid size of register spill');
    }
    if (frame !== cur && reg.type === PTR_STACK) {
      env.reject('EINVAL', 'cannot spill pointers to stack into stack frame of the caller');
    }
    spill(frame, n, reg, size);
  } else {
    frame.spilled[n]!.type = NOT_INIT;
    if (isSpecialSlot(frame, n)) scrubSlot(frame, n);
    let kind = SLOT_MISC;
    if (reg ? reg.isNull : stores && imm === 0) {
      if (a.valueRegno >= 0) env.walk.precision.markReg(a.valueRegno);
      kind = SLOT_ZERO;
    }
    for (let k = 0; k < size; k++) frame.setKind(n, byteOf(off + k), kind);
    return;
  }
  pushHistory(env, histFlags(frame.frameno, n));
}

function writeVariable(env: Env, frame: LiveFrame, ptr: Reg, a: Access): void {
  const min = Number(ptr.smin) + a.off;
  const max = Number(ptr.smax) + a.off + a.size;
  const reg = a.valueRegno >= 0 ? env.reg(a.valueRegno) : null;
  const stores = classOf(env.insns.code[env.pc]!) === BPF_ST;
  const zero = reg ? reg.isNull : stores && env.insns.imm[env.pc] === 0;
  for (let off = min; off < max; off++) destroyDynptrAt(env, frame, slotOf(off));
  checkFastcallContract(env, frame, min);
  let zeroUsed = false;
  for (let off = min; off < max; off++) {
    const n = slotOf(off);
    const b = byteOf(off);
    const kind = frame.kind(n, b);
    env.scratchSlot(n);
    if (!env.caps.perfmon && kind !== SLOT_MISC && kind !== SLOT_ZERO) {
      env.write(`spilled ptr in range of var-offset stack write; insn ${env.pc}, ptr off: ${off}`);
      env.reject('EINVAL', '');
    }
    if (zero && kind === SLOT_SPILL && frame.isSpilledScalar(n) && frame.spilled[n]!.isVarZero) {
      zeroUsed = true;
      continue;
    }
    frame.spilled[n]!.type = NOT_INIT;
    // What was one thing is bytes now, those that surely are not written as well.
    if (isSpecialSlot(frame, n)) scrubSlot(frame, n);
    let now = SLOT_MISC;
    if (zero && kind === SLOT_ZERO) {
      now = SLOT_ZERO;
      zeroUsed = true;
    }
    if (kind === SLOT_INVALID && !env.allowUninitStack) {
      env.write(`uninit stack in range of var-offset write prohibited for !root; insn ${env.pc}, off: ${off}`);
      env.reject('EINVAL', '');
    }
    frame.setKind(n, b, now);
  }
  if (zeroUsed && a.valueRegno >= 0) env.walk.precision.markReg(a.valueRegno);
}

function readFixed(env: Env, frame: LiveFrame, off: number, a: Access): void {
  const n = slotOf(off);
  const { size, valueRegno } = a;
  const spilled = frame.spilled[n]!;
  env.scratchSlot(n);
  checkFastcallContract(env, frame, off);
  env.liveness.read(frame.frameno, env.pc, n);
  if (!frame.isSpill(n)) {
    checkReadable(env, frame, off, size);
    if (valueRegno >= 0) answerBytes(env, frame, off, off + size, valueRegno);
    return;
  }
  let spillSize = 1;
  if (frame.isSpill64(n)) spillSize = 8;
  else for (let b = 7; b > 0 && frame.kind(n, b - 1) === SLOT_SPILL; b--) spillSize++;
  if (size === 8 && spillSize === 8) {
    if (valueRegno >= 0) {
      env.reg(valueRegno).copyFrom(spilled);
    } else if (!env.caps.perfmon && !spilled.isScalar) {
      env.reject('EACCES', `leaking pointer from stack off ${off}`);
    }
    pushHistory(env, histFlags(frame.frameno, n));
    return;
  }
  if (!spilled.isScalar) {
    env.printLine(env.pc, '; ');
    env.reject('EACCES', 'invalid size of register fill');
  }
  if (valueRegno < 0) return;
  const to = env.reg(valueRegno);
  if (size <= spillSize && off % 8 === 0) {
    if (env.caps.bpf && size === 4 && spillSize === 4 && spilled.isUmaxBelow(32)) assignScalarId(env, spilled);
    to.copyFrom(spilled);
    if (!spilled.isUmaxBelow(size * 8)) {
      to.id = 0;
      to.off = 0;
    }
    pushHistory(env, histFlags(frame.frameno, n));
    return;
  }
  let spills = 0;
  let zeros = 0;
  for (let k = 0; k < size; k++) {
    const kind = frame.kind(n, byteOf(off + k));
    if (kind === SLOT_SPILL) spills++;
    else if (kind === SLOT_ZERO) zeros++;
    else if (kind !== SLOT_MISC && !(kind === SLOT_INVALID && env.allowUninitStack)) {
      env.reject('EACCES', `invalid read from stack off ${off}+${k} size ${size}`);
    }
  }
  if (spills === size && spilled.isVarZero) {
    to.markKnown32(0);
    pushHistory(env, histFlags(frame.frameno, n));
  } else if (zeros === size) {
    to.markKnown32(0);
  } else {
    to.markUnknown();
  }
}

function checkReadable(env: Env, frame: LiveFrame, off: number, size: number): void {
  for (let k = 0; k < size; k++) {
    const kind = frame.kind(slotOf(off + k), byteOf(off + k));
    if (kind === SLOT_MISC || kind === SLOT_ZERO || (kind === SLOT_INVALID && env.allowUninitStack)) continue;
    env.reject('EACCES', `invalid read from stack off ${off}+${k} size ${size}`);
  }
}

/** Zero where all bytes are, else unknown. */
function answerBytes(env: Env, frame: LiveFrame, min: number, max: number, regno: number): void {
  let zeros = 0;
  for (let off = min; off < max; off++) {
    const n = slotOf(off);
    env.scratchSlot(n);
    if (frame.kind(n, byteOf(off)) !== SLOT_ZERO) break;
    zeros++;
  }
  if (zeros === max - min) env.reg(regno).markKnown32(0);
  else env.reg(regno).markUnknown();
}

function readVariable(env: Env, frame: LiveFrame, ptr: Reg, a: Access): void {
  checkStackInitialized(env, ptr, a.regno, a.off, a.size, false, false);
  const min = Number(ptr.smin) + a.off;
  const max = Number(ptr.smax) + a.off;
  answerBytes(env, frame, min, max + a.size, a.valueRegno);
  checkFastcallContract(env, frame, min);
}

/**
 * Stack memory that a helper, or a load with a variable offset, touches: all of it must be there. `clobber`: it is
 * written, too. True where the helper is to write it without reading: `raw` (see call/helper.ts).
 */
export function checkStackInitialized(
  env: Env,
  ptr: Reg,
  regno: number,
  off: number,
  size: number,
  zeroAllowed: boolean,
  clobber: boolean,
  raw = false,
): boolean {
  const frame = env.cur.frames[ptr.frameno]!;
  if (size === 0 && !zeroAllowed) env.reject('EACCES', 'invalid zero-sized read');
  checkStackBounds(env, ptr, regno, off, size, clobber);
  let min: number;
  let max: number;
  if (ptr.isConst) {
    min = ptr.known + off;
    max = min;
  } else {
    if (!env.caps.perfmon) {
      env.reject(
        'EACCES',
        `R${regno} variable offset stack access prohibited for !root, var_off=${tnumText(ptr.value, ptr.mask)}`,
      );
    }
    raw = false;
    min = Number(ptr.smin) + off;
    max = Number(ptr.smax) + off;
  }
  if (raw) {
    for (let at = min; at < max + size; at++) {
      const n = slotOf(at);
      if (n < frame.slots && frame.kind(n, byteOf(at)) === SLOT_DYNPTR) {
        env.reject('EACCES', `potential write to dynptr at off=${at} disallowed`);
      }
    }
    return true;
  }
  let before = -1;
  for (let at = min; at < max + size; at++) {
    const n = slotOf(at);
    const b = byteOf(at);
    if (n >= frame.slots) env.reject('EFAULT', 'allocated_stack too small');
    const kind = frame.kind(n, b);
    if (kind === SLOT_MISC) {
      // As good as it gets.
    } else if (kind === SLOT_ZERO || (kind === SLOT_INVALID && env.allowUninitStack)) {
      if (clobber) frame.setKind(n, b, SLOT_MISC);
    } else if (frame.isSpill(n) && (frame.spilled[n]!.isScalar || env.caps.perfmon)) {
      if (clobber) {
        frame.spilled[n]!.markUnknown();
        scrubSlot(frame, n);
      }
    } else {
      env.reject(
        'EACCES',
        ptr.isConst
          ? `invalid read from stack R${regno} off ${min}+${at - min} size ${size}`
          : `invalid read from stack R${regno} var_off ${tnumText(ptr.value, ptr.mask)}+${at - min} size ${size}`,
      );
    }
    if (n !== before) env.liveness.read(ptr.frameno, env.pc, n);
    before = n;
  }
  return false;
}
