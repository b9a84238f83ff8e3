import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probedProgram } from '../../../test/support/probed-program.ts';
import { ElfError } from '../../base/errors.ts';
import { Executable } from './executable.ts';
import { probeSites } from './static-probes.ts';

describe('static probes of a file', () => {
  it('lie where the notes say, moved as far as their base was', () => {
    const file = new Executable(probedProgram());
    expect(probeSites(file, 'skep', 'places')).toEqual([
      { offset: 0x101b, semaphore: 0, args: '-4@%edi 8@%rax 8@8(%rbx) 4@(%rbx,%rcx,8) -1@$-7' },
      { offset: 0x101c, semaphore: 0, args: '-4@$6 -8@%rax 8@8(%rbx) 4@(%rbx,%rcx,8) -1@$-7' },
    ]);
    expect(probeSites(file, 'skep', 'gated')).toEqual([{ offset: 0x101d, semaphore: 0x2040, args: '8@$5' }]);
    expect(probeSites(file, 'skep', 'none')).toEqual([]);
    expect(probeSites(file, 'kep', 'gated')).toEqual([]);
  });

  it('outside of the file are an error', () => {
    const bytes = probedProgram();
    bytes[0x2100 + 23] = 0x70; // the first probe's address
    expect(() => probeSites(new Executable(bytes), 'skep', 'places')).toThrow(/skep:places is at 0x/);
  });

  it('of any bytes are an answer or an ElfError', () => {
    const damaged = fc.array(fc.tuple(fc.nat(0x28ff), fc.nat(255)), { maxLength: 8 });
    const places = fc.array(fc.tuple(fc.integer({ min: 0x2100, max: 0x2300 }), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(damaged, places, fc.nat(0x2900), (changes, more, length) => {
        const bytes = probedProgram();
        for (const [at, value] of [...changes, ...more]) bytes[at] = value;
        for (const some of [bytes, bytes.slice(0, length)]) {
          try {
            probeSites(new Executable(some), 'skep', 'places');
          } catch (error) {
            expect(error).toBeInstanceOf(ElfError);
          }
        }
      }),
    );
  });
});
