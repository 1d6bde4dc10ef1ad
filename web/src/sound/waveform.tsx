import { useEffect, useRef } from 'preact/hooks';
import { peaksOf } from './decode-sound.ts';
import type { Sound } from './sound.ts';
import type { Trim } from './wave-file.ts';

const columns = 240;
const shortest = 0.2;
const stepSeconds = 0.05;

interface WaveformProps {
  readonly sound: Sound;
  readonly samples: AudioBuffer;
  readonly trim: Trim;
}

/** The recording as a picture, with a handle at either end of what is used. */
export function Waveform({ sound, samples, trim }: WaveformProps) {
  const { start, end } = trim;
  const { duration } = samples;
  return (
    <div class="waveform">
      <Peaks samples={samples} />
      <div class="unused" style={{ left: '0', width: `${(100 * start) / duration}%` }} />
      <div class="unused" style={{ right: '0', width: `${100 - (100 * end) / duration}%` }} />
      <input
        type="range"
        class="trim"
        aria-label="Start of what is used"
        aria-valuetext={`${start.toFixed(2)} seconds`}
        min={0}
        max={duration}
        step={stepSeconds}
        value={start}
        onInput={(event) => {
          const wanted = Number(event.currentTarget.value);
          sound.cut({ start: Math.max(0, Math.min(wanted, end - shortest)), end });
        }}
      />
      <input
        type="range"
        class="trim"
        aria-label="End of what is used"
        aria-valuetext={`${end.toFixed(2)} seconds`}
        min={0}
        max={duration}
        step={stepSeconds}
        value={end}
        onInput={(event) => {
          const wanted = Number(event.currentTarget.value);
          // The last step of the slider may lie before the end.
          const close = wanted > duration - stepSeconds ? duration : wanted;
          sound.cut({ start, end: Math.min(duration, Math.max(close, start + shortest)) });
        }}
      />
    </div>
  );
}

function Peaks({ samples }: { readonly samples: AudioBuffer }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const { width, height } = context.canvas;
    context.clearRect(0, 0, width, height);
    context.fillStyle = getComputedStyle(context.canvas).color;
    const step = width / columns;
    for (const [index, peak] of peaksOf(samples, columns).entries()) {
      const bar = Math.max(2, peak * height * 0.94);
      context.fillRect(index * step, (height - bar) / 2, step * 0.6, bar);
    }
  }, [samples]);
  return <canvas ref={canvas} width={960} height={144} />;
}
