/** Where things are, which language is spoken, and what the runtime and the system's libraries go by. */
const common =
  /^(?:PATH|HOME|USER|LOGNAME|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_[A-Z]+|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_[A-Z_]+|MALLOC_[A-Z_]+|GLIBC_TUNABLES|NODE_COMPILE_CACHE|NODE_ENV|NODE_OPTIONS|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|(?:LOCAL)?APPDATA|PROGRAMDATA|PROGRAMFILES(?:\(X86\))?|NUMBER_OF_PROCESSORS|PROCESSOR_[A-Z_]+)$/i;

/** What processors, graphics cards and their drivers are tuned with. */
export const deviceVariables =
  /^(?:(?:CUDA|CUDNN|CUBLAS|NVIDIA|NV|TF32|ORT|OMP|GOMP|KMP|MKL|OPENBLAS|HIP|HSA|ROCR|ROCM|VK|MESA|LIBGL|GALLIUM|DRI|DAWN|WGPU|__GLX?|__NV)_[A-Z0-9_]+|DISPLAY|WAYLAND_DISPLAY|XDG_RUNTIME_DIR|XDG_CACHE_HOME|XDG_DATA_DIRS)$/i;

const secret = /KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH/i;

/**
 * The part of an environment that a child process has use for. Passwords of databases and tokens of stores are none of it:
 * children read the files of strangers.
 *
 * @param needed names besides those that any process has use for
 */
export function childEnvironment(environment: NodeJS.ProcessEnv, needed?: RegExp): NodeJS.ProcessEnv {
  const isNeeded = (name: string): boolean => common.test(name) || (needed?.test(name) === true && !secret.test(name));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isNeeded(name)));
}
