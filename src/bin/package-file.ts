/** Files that ship with the package. The package's root is two folders up, from dist/bin as from src/bin. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SkepError } from '../base/errors.ts';

export function packagePath(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}

export async function readPackageFile(name: string): Promise<Uint8Array> {
  const path = packagePath(name);
  try {
    return await readFile(path);
  } catch (error) {
    throw new SkepError('ENOENT', `${path} is missing; it belongs to the package: install skep again`, {
      cause: error,
    });
  }
}
