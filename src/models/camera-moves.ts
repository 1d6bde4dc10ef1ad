/** Camera moves that have a published LoRA for the 19B model. */
export const cameraMoves = [
  'dolly_in',
  'dolly_out',
  'dolly_left',
  'dolly_right',
  'jib_up',
  'jib_down',
  'static',
] as const;

export type CameraMove = (typeof cameraMoves)[number];

export function isCameraMove(text: string): text is CameraMove {
  return cameraMoves.some((move) => move === text);
}

/** The camera move a LoRA file is for, by the published naming `*camera-control-dolly-in*.safetensors`. */
export function cameraMoveOf(fileName: string): CameraMove | undefined {
  return cameraMoves.find((move) => fileName.toLowerCase().includes(`camera-control-${move.replace('_', '-')}`));
}
