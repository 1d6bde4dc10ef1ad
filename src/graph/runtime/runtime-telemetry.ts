// To be imported before the tensor runtime: its build for Linux keeps an identifier and events of every process in
// ~/.cache/Microsoft, and sends them to its maker, unless this is in the environment when it is loaded.
process.env.ORT_DISABLE_TELEMETRY = '1';
