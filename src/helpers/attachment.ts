/**
 * Helpers about where the program is attached: the function it is in, that function's arguments, the link's cookie.
 *
 * The context of fentry, fexit and fmod_ret programs is an array of u64 with the arguments, then the return value; the
 * u64 before it says how many arguments there are.
 */
import { EINVAL } from '../base/errno.ts';
import { answer64, type Helper } from './helper.ts';

export const get_func_ip: Helper = { args: 'i', ret: 'u64', bind: (env) => () => answer64(env, env.run.funcIp) };

export const get_attach_cookie: Helper = { args: 'i', ret: 'u64', bind: (env) => () => answer64(env, env.run.cookie) };

export const get_func_arg_cnt: Helper = {
  args: 'i',
  ret: 'int',
  bind: (env) => (ctx) => env.mem.u32((ctx! >>> 0) - 8),
};

export const get_func_arg: Helper = {
  args: 'iii',
  ret: 'int',
  bind: (env) => (ctx, nth, to) => {
    if (nth! >>> 0 >= env.mem.u32((ctx! >>> 0) - 8)) return -EINVAL;
    env.mem.copy(to! >>> 0, (ctx! >>> 0) + nth! * 8, 8);
    return 0;
  },
};

export const get_func_ret: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (ctx, to) => {
    env.mem.copy(to! >>> 0, (ctx! >>> 0) + env.mem.u32((ctx! >>> 0) - 8) * 8, 8);
    return 0;
  },
};

/** What a cgroup hook answers the system call: 0 or -errno. */
export const get_retval: Helper = { args: '', ret: 'int', bind: (env) => () => env.run.retval };

export const set_retval: Helper = {
  args: 'i',
  ret: 'int',
  bind: (env) => (value) => {
    env.run.retval = value!;
    return 0;
  },
};
