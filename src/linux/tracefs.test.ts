import { expect, it } from 'vitest';
import { functionNames } from './tracefs.ts';

it('functions that can be traced are named without their module, and without those that are gone', () => {
  const text = 'do_exit\n__ftrace_invalid_address___64\nnf_conntrack_in [nf_conntrack]\n';
  expect(functionNames(text)).toEqual(['do_exit', 'nf_conntrack_in']);
});
