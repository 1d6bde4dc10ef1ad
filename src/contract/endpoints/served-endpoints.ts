import { endpointsById } from '../endpoint.ts';
import { audioToVideo } from './audio-to-video.ts';
import { audioToVideoLora } from './audio-to-video-lora.ts';

/** The endpoints that are served, as they are listed. */
export const servedEndpoints = endpointsById([audioToVideoLora, audioToVideo]);
