import { describe, expect, it } from 'vitest';
import { MissingKernel, readCommandLine } from './argv.ts';

describe('the first look at a command line', () => {
  it('finds the kernel wherever it stands', () => {
    expect(readCommandLine(['--kernel', 'linux', '-j', 'prog', 'show'], {})).toEqual({
      kernel: 'linux',
      own: undefined,
      words: ['-j', 'prog', 'show'],
    });
    expect(readCommandLine(['-j', '--kernel=/run/x', 'map'], {}).kernel).toBe('/run/x');
    expect(readCommandLine(['opensnoop', '-e', '--kernel', 'linux', '--', 'ls'], {})).toEqual({
      kernel: 'linux',
      own: 'opensnoop',
      words: ['-e', '--', 'ls'],
    });
    expect(readCommandLine(['prog', 'show', '--kernel=linux'], {}).words).toEqual(['prog', 'show']);
  });

  it('takes the kernel from the environment, and the command line over it', () => {
    expect(readCommandLine(['prog'], { SKEP_KERNEL: 'linux' }).kernel).toBe('linux');
    expect(readCommandLine(['--kernel', 'embedded', 'prog'], { SKEP_KERNEL: 'linux' }).kernel).toBe('embedded');
  });

  it('leaves the traced command alone', () => {
    expect(readCommandLine(['run', 'x.o', '--', 'cat', '--kernel', 'y'], {})).toEqual({
      kernel: 'embedded',
      own: 'run',
      words: ['x.o', '--', 'cat', '--kernel', 'y'],
    });
  });

  it('knows its own commands whole only, so that prefixes stay bpftool’s', () => {
    expect(readCommandLine(['ru'], {}).own).toBeUndefined();
    expect(readCommandLine(['p', 'run'], {}).own).toBeUndefined();
  });

  it('keeps the value of an option with the option', () => {
    expect(readCommandLine(['-B', 'run', 'btf'], {}).words).toEqual(['-B', 'run', 'btf']);
  });

  it('refuses a kernel option without its value', () => {
    expect(() => readCommandLine(['--kernel'], {})).toThrow(MissingKernel);
  });
});
