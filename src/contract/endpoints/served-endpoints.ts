import { endpointsById } from '../endpoint.ts';
import { audioToVideo } from './audio-to-video.ts';
import { audioToVideoLora } from './audio-to-video-lora.ts';
import { film } from './film.ts';

/** The endpoints that are served, as they are listed. */
export const servedEndpoints = endpointsById([audioToVideoLora, audioToVideo]);

/** The same with what is our own, and listed nowhere. */
export const allEndpoints = endpointsById([audioToVideoLora, audioToVideo, film]);
