export { connectKernel } from './client.ts';
export * from './directory.ts';
export { type KernelServer, type ServedKernel, serveKernel } from './server.ts';
export * from './user-kernel.ts';
