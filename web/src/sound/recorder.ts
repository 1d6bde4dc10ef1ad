import { signal } from '@preact/signals';
import { chooseSound, soundActivity } from './sound-state.ts';

interface Recording {
  readonly recorder: MediaRecorder;
  readonly startedAt: number;
  readonly analyser: AnalyserNode;
}

/** The recording under way. */
export const recording = signal<Recording | undefined>(undefined);

/** Types in the order of preference; what MediaRecorder has none of is left to the browser. */
const types = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus'];

export async function startRecording(): Promise<void> {
  if (navigator.mediaDevices === undefined) {
    return fail('The browser gives the microphone to https pages and localhost only: open this page that way.');
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    await record(stream);
  } catch (error) {
    const isRefused = error instanceof DOMException && error.name === 'NotAllowedError';
    const isAbsent = error instanceof DOMException && error.name === 'NotFoundError';
    if (isRefused) fail('The browser does not let this page use the microphone: allow it beside the address.');
    else if (isAbsent) fail('There is no microphone here.');
    else fail(`The microphone does not work: ${error instanceof Error ? error.message : error}`);
  }
}

export function stopRecording(): void {
  recording.value?.recorder.stop();
}

async function record(stream: MediaStream): Promise<void> {
  const mimeType = types.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 256;
  context.createMediaStreamSource(stream).connect(analyser);
  const parts: Blob[] = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  recorder.addEventListener('stop', () => {
    recording.value = undefined;
    for (const track of stream.getTracks()) track.stop();
    void context.close();
    const type = recorder.mimeType.split(';', 1)[0] ?? '';
    void chooseSound(new Blob(parts, { type }), `recording.${type.split('/')[1] ?? 'webm'}`);
  });
  recorder.start();
  recording.value = { recorder, startedAt: performance.now(), analyser };
}

function fail(text: string): void {
  soundActivity.value = { text, failed: true };
}
