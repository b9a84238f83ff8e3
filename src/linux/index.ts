export { openLinuxKernel } from './linux-kernel.ts';
