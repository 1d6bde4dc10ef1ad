import { useEffect, useRef } from 'preact/hooks';
import type { PreviewSheet } from '../../../src/database/json-columns.ts';

const frameMilliseconds = 160;

interface PreviewProps {
  readonly sheet: PreviewSheet;
  readonly caption: string;
}

/** Plays the frames of a preview over and over; shows the middle one where motion is not wanted. */
export function PreviewPlayer({ sheet, caption }: PreviewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { image, frames, width, height } = sheet;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const picture = new Image();
    let timer: ReturnType<typeof setInterval> | undefined;
    const draw = (frame: number): void =>
      context.drawImage(picture, 0, frame * height, width, height, 0, 0, width, height);
    picture.onload = () => {
      draw(Math.floor(frames / 2));
      if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
      timer = setInterval(() => draw(Math.floor(performance.now() / frameMilliseconds) % frames), frameMilliseconds);
    };
    picture.src = image;
    return () => {
      picture.onload = null;
      clearInterval(timer);
    };
  }, [image, frames, width, height]);
  return (
    <figure class="preview">
      <canvas ref={canvas} width={width} height={height} role="img" aria-label="What the clip looks like so far" />
      <figcaption>{caption}</figcaption>
    </figure>
  );
}
