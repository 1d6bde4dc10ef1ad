import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { DropZone } from '../form/drop-zone.tsx';
import { described, FieldFrame } from '../form/field.tsx';
import { currentValue, setValue } from '../form/form-state.ts';
import { isOwnUrl } from '../server/connection.ts';
import { recording, startRecording, stopRecording } from './recorder.ts';
import { chooseSound, removeSound, type Sound, sound, soundActivity } from './sound-state.ts';
import { Waveform } from './waveform.tsx';

/** The recording: dropped, picked, recorded, or named by its URL. */
export function SoundField() {
  const chosen = sound.value;
  const activity = soundActivity.value;
  return (
    <FieldFrame name="audio_url">
      {recording.value !== undefined ? (
        <RecordingNow />
      ) : (
        <>
          {chosen !== undefined && <ChosenSound chosen={chosen} />}
          <DropZone
            accept="audio/*,video/*"
            label={chosen === undefined ? 'Drop a recording here, or choose a file' : 'Another file'}
            onFile={(file) => void chooseSound(file, file.name)}
          >
            <button type="button" onClick={() => void startRecording()}>
              <span class="dot" aria-hidden="true" />
              Record
            </button>
          </DropZone>
        </>
      )}
      {activity !== undefined && (
        <p class={activity.failed ? 'problem' : 'note'} role={activity.failed ? 'alert' : 'status'}>
          {activity.text}
        </p>
      )}
      {chosen === undefined && <SoundAddress />}
    </FieldFrame>
  );
}

function SoundAddress() {
  const url = currentValue('audio_url');
  return (
    <input
      type="url"
      aria-label="URL of the recording"
      placeholder="… or paste a URL"
      value={typeof url === 'string' && !isOwnUrl(url) ? url : ''}
      onChange={(event) => setValue('audio_url', event.currentTarget.value.trim() || undefined)}
      {...described('audio_url')}
    />
  );
}

function ChosenSound({ chosen }: { readonly chosen: Sound }) {
  const { name, samples, trim } = chosen;
  return (
    <div class="chosen-sound">
      <div class="line">
        <strong class="name">{name}</strong>
        {samples !== undefined && <span class="amount">{(trim.end - trim.start).toFixed(2)} s</span>}
        {samples !== undefined && <Listen samples={samples} trim={trim} />}
        <button type="button" class="quiet" onClick={removeSound}>
          Remove<span class="hidden"> the recording</span>
        </button>
      </div>
      {samples === undefined ? (
        <p class="note">This browser cannot show this recording; the server may well read it.</p>
      ) : (
        <Waveform sound={chosen} samples={samples} />
      )}
    </div>
  );
}

function Listen({ samples, trim }: { readonly samples: AudioBuffer; readonly trim: Sound['trim'] }) {
  const playing = useSignal<AudioContext | undefined>(undefined);
  const stop = (): void => {
    void playing.value?.close();
    playing.value = undefined;
  };
  const play = (): void => {
    const context = new AudioContext();
    const source = new AudioBufferSourceNode(context, { buffer: samples });
    source.connect(context.destination);
    source.addEventListener('ended', stop);
    source.start(0, trim.start, trim.end - trim.start);
    playing.value = context;
  };
  useEffect(() => stop, [samples, trim]);
  return (
    <button type="button" class="quiet" onClick={playing.value === undefined ? play : stop}>
      {playing.value === undefined ? 'Listen' : 'Stop'}
    </button>
  );
}

const meterMilliseconds = 100;

function RecordingNow() {
  const seconds = useSignal(0);
  const level = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (recording.value === undefined) return;
      const { analyser, startedAt } = recording.value;
      const samples = new Uint8Array(analyser.fftSize);
      analyser.getByteTimeDomainData(samples);
      level.value = Math.max(...samples.map((sample) => Math.abs(sample - 128))) / 128;
      seconds.value = (performance.now() - startedAt) / 1000;
    }, meterMilliseconds);
    return () => clearInterval(timer);
  }, [level, seconds]);
  return (
    <div class="recording">
      <span class="dot" aria-hidden="true" />
      <span role="timer">{seconds.value.toFixed(1)} s</span>
      <meter min={0} max={1} value={level.value} aria-label="Level" />
      <button type="button" class="primary" onClick={stopRecording}>
        Stop
      </button>
    </div>
  );
}
