/**
 * The kernel that is the reference: its verifier's verdicts, its structure layouts and its numbers are what skep
 * agrees with. Named here once. The BTF that ships with the package is this kernel's.
 */
export const REFERENCE_KERNEL = {
  /** Version as in `since` of the rows of uapi. */
  version: '6.18',
  /** As uname -r says it, without its builder's suffix. */
  release: '6.18.44',
  /** LINUX_VERSION_CODE: what kern_version and __kconfig LINUX_KERNEL_VERSION hold. */
  versionCode: (6 << 16) | (18 << 8) | 44,
  arch: 'x86_64',
} as const;
