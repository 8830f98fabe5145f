namespace OrleansChat.Grains.Logs;

internal static class EntryCodec;
