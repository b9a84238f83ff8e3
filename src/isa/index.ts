export * from './insns.ts';
