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

/** The camera move a LoRA file is for, by the published naming `*camera-control-dolly-in*.safetensors`, or with underscores. */
export function cameraMoveOf(fileName: string): CameraMove | undefined {
  const name = fileName.toLowerCase().replaceAll('-', '_');
  return cameraMoves.find((move) => name.includes(`camera_control_${move}`));
}
