export * from './embedded.ts';
export * from './hooks/hook.ts';
export * from './world/task.ts';
export * from './world/world.ts';
