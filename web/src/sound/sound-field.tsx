import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Address } from '../files/file-input.ts';
import { DropZone } from '../form/drop-zone.tsx';
import { Activity, AddressField, FieldFrame } from '../form/field.tsx';
import { files, setFile } from '../form/form-state.ts';
import { messageOf } from '../server/connection.ts';
import { Recording } from './recording.ts';
import { Sound } from './sound.ts';
import type { Trim } from './wave-file.ts';
import { Waveform } from './waveform.tsx';

const name = 'audio_url';

/** The recording: dropped, picked, recorded, or named by its URL. */
export function SoundField() {
  const chosen = files.audio_url.value;
  if (chosen instanceof Recording) {
    return (
      <FieldFrame name={name}>
        <RecordingNow recording={chosen} />
      </FieldFrame>
    );
  }
  return (
    <FieldFrame name={name}>
      {chosen instanceof Sound && <ChosenSound chosen={chosen} />}
      <DropZone
        accept="audio/*,video/*"
        label={chosen instanceof Sound ? 'Choose another' : 'Choose a file'}
        onFile={(file) => setFile(name, Sound.chosen(file, file.name))}
      >
        <RecordButton />
        {!(chosen instanceof Sound) && <span class="note">or drop one here</span>}
      </DropZone>
      {!(chosen instanceof Sound) && (
        <AddressField
          name={name}
          label="URL of the recording"
          text={chosen?.text ?? ''}
          onText={(text) => setFile(name, text === '' ? undefined : new Address(text))}
        />
      )}
    </FieldFrame>
  );
}

function ChosenSound({ chosen }: { readonly chosen: Sound }) {
  const content = chosen.content.value;
  const trim = chosen.trim.value;
  return (
    <div class="chosen-sound">
      <div class="line">
        <strong class="name">{chosen.name}</strong>
        {trim !== undefined && <span class="amount">{(trim.end - trim.start).toFixed(2)} s</span>}
        {content.state === 'readable' && trim !== undefined && <Listen samples={content.samples} trim={trim} />}
        <button type="button" class="quiet" onClick={() => setFile(name, undefined)}>
          Remove<span class="hidden"> the recording</span>
        </button>
      </div>
      {content.state === 'unreadable' && chosen.delivery.value.state !== 'failed' && (
        <p class="note">This browser cannot show this recording; the server may well read it.</p>
      )}
      {content.state === 'readable' && trim !== undefined && (
        <Waveform sound={chosen} samples={content.samples} trim={trim} />
      )}
      <Activity content={content} delivery={chosen.delivery.value} />
    </div>
  );
}

function Listen({ samples, trim }: { readonly samples: AudioBuffer; readonly trim: Trim }) {
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

/** Begins a recording, which takes the place of what was chosen; where that fails, nothing else changes. */
function RecordButton() {
  const isAsking = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const begin = async (): Promise<void> => {
    isAsking.value = true;
    problem.value = undefined;
    try {
      setFile(name, await Recording.begin((source, title) => setFile(name, Sound.chosen(source, title))));
    } catch (error) {
      problem.value = messageOf(error);
    } finally {
      isAsking.value = false;
    }
  };
  useEffect(() => {
    problem.value = undefined;
  }, [files.audio_url.value, problem]);
  return (
    <>
      <button type="button" disabled={isAsking.value} onClick={() => void begin()}>
        <span class="dot" aria-hidden="true" />
        Record
      </button>
      {problem.value !== undefined && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </>
  );
}

const meterMilliseconds = 100;

function RecordingNow({ recording }: { readonly recording: Recording }) {
  const seconds = useSignal(0);
  const level = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => {
      level.value = recording.level;
      seconds.value = (performance.now() - recording.startedAt) / 1000;
    }, meterMilliseconds);
    return () => clearInterval(timer);
  }, [recording, level, seconds]);
  return (
    <div class="recording">
      <span class="dot" aria-hidden="true" />
      <span role="timer">{seconds.value.toFixed(1)} s</span>
      <meter min={0} max={1} value={level.value} aria-label="Level" />
      <button type="button" class="primary" onClick={() => recording.stop()}>
        Stop
      </button>
    </div>
  );
}
