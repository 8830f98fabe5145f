using System.Buffers.Binary;
using OrleansChat.Grains.Logs;
using OrleansChat.Grains.Storage;
using OrleansChat.Tests.Support;

namespace OrleansChat.Tests.Logs;

/// <summary>
/// A data file that dies again and again, at random: its process alone, or the machine, with any mixture of what its files were when they were flushed and of what came later. What was synced is there, what is there is
/// what was appended, in its order, and nothing that is gone comes back.
/// </summary>
public sealed class LogCrashTests : IDisposable
{
    private const int Lives = 20;
    private static readonly string[] Beside = ["-wal", "-log1", "-log2"];

    private readonly string _directory = Directory.CreateTempSubdirectory("chat-crash-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Nothing_synced_is_lost_and_nothing_lost_comes_back(int seed)
    {
        var random = new Random(seed);
        var rooms = new[] { "a", "b", "c" }.ToDictionary(room => room, _ => new Model());
        var number = 0L;
        var name = "chat.db";
        for (var life = 0; life < Lives; life++)
        {
            var disk = new Disk();
            using var file = new SqliteFile(Path.Combine(_directory, name), machine: new SqliteMachine($"boot {life}", disk.Flush), recordFileLength: 65_536);
            var store = new SqliteLogStore(file);
            foreach (var (room, model) in rooms)
                await CheckAsync(store, room, model);

            for (var step = random.Next(1, 80); step > 0; step--)
            {
                switch (random.Next(25))
                {
                    case 0:
                        await file.SyncAsync().Soon("the disk has it");
                        foreach (var model in rooms.Values)
                            model.Synced = model.Head;
                        break;
                    case 1:
                        await TrimAsync(store, "a", rooms["a"]);
                        break;
                    default:
                        await Task.WhenAll(rooms.Where(_ => random.Next(3) > 0).Select(room => AppendAsync(store, room.Key, room.Value, ++number, random.Next(8, 20_000))));
                        break;
                }
            }

            var isCut = random.Next(2) == 0;
            name = Copy(name, $"life-{life}.db", isCut ? disk : null, random);
            if (isCut)
                continue;
            foreach (var model in rooms.Values)
                model.Synced = model.Head; // The process alone takes nothing along.
        }
    }

    /// <summary>What is there may be shorter than what was appended, but for what was synced; from now on it is what was appended.</summary>
    private static async Task CheckAsync(SqliteLogStore store, string room, Model model)
    {
        var log = (await store.OpenAsync(room, create: true, Cancellation))!;
        Assert.InRange(log.Head, model.Synced, model.Head);
        Assert.InRange(log.First, 1, model.First);
        var batches = await store.ReadAsync(room, log.First, log.Head, Cancellation);
        Assert.Equal(
            Enumerable.Range((int)log.First, (int)(log.Head - log.First + 1)).Select(seq => ((long)seq, model.Numbers[seq - 1])),
            batches.Select(batch => (batch.Last, BinaryPrimitives.ReadInt64LittleEndian(batch.Payload.Span))));
        model.Numbers.RemoveRange((int)log.Head, model.Numbers.Count - (int)log.Head);
        (model.Epoch, model.First, model.Synced) = (log.Epoch, log.First, log.Head); // What a start read is on the disk.
    }

    private static async Task AppendAsync(SqliteLogStore store, string room, Model model, long number, int bytes)
    {
        var payload = new byte[bytes];
        BinaryPrimitives.WriteInt64LittleEndian(payload, number);
        var seq = model.Head + 1;
        Assert.True(await store.AppendAsync(room, new LogPosition(model.Epoch, seq - 1), new LogBatch(seq, 1_000 + seq, payload), Cancellation));
        model.Numbers.Add(number);
    }

    private static async Task TrimAsync(SqliteLogStore store, string room, Model model)
    {
        var log = (await store.OpenAsync(room, create: false, Cancellation))!;
        Assert.Equal((model.Head, model.First), (log.Head, log.First));
        var first = Math.Max(log.First, log.Head - 2);
        Assert.True(await store.TrimAsync(room, log, first, bytes: 0, Cancellation));
        model.First = first;
    }

    private string Copy(string name, string to, Disk? disk, Random random)
    {
        var (from, left) = (Path.Combine(_directory, name), Path.Combine(_directory, to));
        File.Copy(from, left);
        disk?.Write(left);
        foreach (var beside in Beside.Where(_ => disk is null || random.Next(2) == 0))
            File.Copy(from + beside, left + beside, overwrite: true);
        return to;
    }

    private sealed class Model
    {
        public List<long> Numbers { get; } = [];

        public long Head => Numbers.Count;

        public long First { get; set; } = 1;

        public long Synced { get; set; }

        public string Epoch { get; set; } = "";
    }
}
