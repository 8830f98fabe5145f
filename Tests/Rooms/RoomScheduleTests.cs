using CsCheck;
using OrleansChat.Grains.Interfaces;
using OrleansChat.Grains.Logs;

namespace OrleansChat.Tests.Rooms;

/// <summary>Two activations on one log, and a store that fails in every way at every place.</summary>
public sealed class RoomScheduleTests
{
    private enum Step
    {
        Publish,
        PublishMany,
        Finish,
        Do,
        LoseAnswer,
        Fail,
        Deadline,
        Join,
        Doubt,
        Replace,
    }

    [Fact]
    public async Task Whatever_fails_an_acknowledged_id_is_in_the_log_once_where_it_was_said_and_the_stream_is_the_log()
    {
        using var logs = new LogsInMemory();
        var step = Gen.Frequency(
            (8, Gen.Const(Step.Publish)),
            (2, Gen.Const(Step.PublishMany)),
            (16, Gen.Const(Step.Finish)),
            (3, Gen.Const(Step.Do)),
            (2, Gen.Const(Step.LoseAnswer)),
            (1, Gen.Const(Step.Fail)),
            (1, Gen.Const(Step.Deadline)),
            (2, Gen.Const(Step.Join)),
            (1, Gen.Const(Step.Doubt)),
            (1, Gen.Const(Step.Replace)));
        await Gen.Select(step, Gen.Int[0, 11], Gen.Int[0, 6], Gen.Int[0, 7]).Array[1, 80].SampleAsync(
            async steps =>
            {
                using var schedule = new Schedule(logs);
                await schedule.RunAsync(steps);
            },
            iter: 1_500, threads: 1, print: steps => string.Join(", ", steps));
    }

    private sealed class Schedule(LogsInMemory logs) : IDisposable
    {
        private readonly OneRoom _room = new(logs: logs);
        private readonly List<(PublishRequest Request, Task<PublishAnswer[]> Answers, int Index)> _said = [];
        private readonly List<RoomActivation> _replaced = [];
        private readonly RoomActivation[] _live = new RoomActivation[2];

        public async Task RunAsync((Step Step, int Place, int Id, int Variant)[] steps)
        {
            _live[0] = await _room.ActivateAsync();
            _live[1] = await _room.ActivateAsync();
            foreach (var (step, place, id, variant) in steps)
            {
                var live = _live[place % 2];
                var call = _room.Store.UnderWay.Count == 0 ? null : _room.Store.UnderWay[place % _room.Store.UnderWay.Count];
                switch (step)
                {
                    case Step.Publish:
                        Say(live, Request(id, variant));
                        break;
                    case Step.PublishMany:
                        Say(live, Request(id, variant), Request(id, 0), Request(variant, id), Request(6, 0));
                        break;
                    case Step.Join:
                        Ignore(live.Open());
                        break;
                    case Step.Doubt:
                        live.Log.Suspect();
                        break;
                    case Step.Replace:
                        _replaced.Add(live);
                        Ignore((_live[place % 2] = new RoomActivation(_room)).Open());
                        break;
                    case Step.Deadline:
                        _room.Time.Advance(TimeSpan.FromSeconds(3));
                        break;
                    case Step.Finish when call is not null:
                        await call.FinishAsync();
                        break;
                    case Step.Do when call is not null:
                        await call.DoAsync();
                        break;
                    case Step.LoseAnswer when call is not null:
                        await call.LoseAnswerAsync();
                        break;
                    case Step.Fail when call is not null:
                        call.Fail();
                        break;
                }

                _room.Turns.Run();
            }

            await CheckAsync();
        }

        public void Dispose() => _room.Dispose();

        /// <summary>A few ids of two users, mostly with the same text; the last one is none.</summary>
        private static PublishRequest Request(int id, int variant) =>
            RoomActivation.Say(variant == 7 ? "another" : $"text {id}", id >= 6 ? null : $"id {id}", variant % 2 == 0 ? "alice" : "bob");

        private void Say(RoomActivation activation, params PublishRequest[] requests)
        {
            var answers = activation.Publish(requests);
            for (var i = 0; i < requests.Length; i++)
                _said.Add((requests[i], answers, i));
        }

        private static void Ignore(Task task) => _ = task.ContinueWith(
            static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

        private async Task CheckAsync()
        {
            while (_room.Store.UnderWay.Count > 0)
            {
                await _room.Store.UnderWay[0].FinishAsync();
                _room.Turns.Run();
            }

            // What a renewal or the next message does sooner or later.
            foreach (var activation in _live)
            {
                activation.Log.Suspect();
                Assert.True(await _room.SettleAsync(activation.Open()));
            }

            var log = await _room.EntriesAsync();
            var epoch = (await _room.HeaderAsync())!.Epoch;
            Assert.Equal(Enumerable.Range(1, log.Count).Select(seq => (long)seq), log.Select(entry => entry.Entry.Seq));
            Assert.Equal(log.Select(entry => entry.Entry.Timestamp).Order(), log.Select(entry => entry.Entry.Timestamp));
            var ids = log.Where(entry => entry.IdHash != 0).ToDictionary(entry => entry.IdHash);
            var stored = new HashSet<UInt128>();
            foreach (var (request, answers, index) in _said)
            {
                Assert.True(answers.IsCompletedSuccessfully, $"Nobody answered {request}.");
                var answer = (await answers)[index];
                CheckAnswer(request, answer, log, epoch, ids);
                if (request.Id is not null && answer is { Error: null, Duplicate: false })
                    Assert.True(stored.Add(EntryHash.OfId(epoch, request.UserId, request.Id)), $"{request} was stored twice, as its answers say.");
            }

            foreach (var activation in _live.Concat(_replaced))
                CheckStream(activation, log, epoch);
            foreach (var activation in _live)
                Assert.Equal(log.Count, activation.OpenedAt + activation.Streamed.Count);
        }

        private static void CheckAnswer(PublishRequest request, PublishAnswer answer, List<LogEntry> log, string epoch, Dictionary<UInt128, LogEntry> ids)
        {
            switch (answer.Error)
            {
                case null:
                    Assert.Equal(epoch, answer.Epoch, StringComparer.Ordinal);
                    var stored = log[(int)answer.Seq - 1];
                    Assert.Equal(new Entry(answer.Seq, request.UserId, request.Username, request.Text, answer.Timestamp), stored.Entry);
                    Assert.Equal(request.Id is null ? 0 : EntryHash.OfId(epoch, request.UserId, request.Id), stored.IdHash);
                    Assert.False(answer.Duplicate && request.Id is null);
                    break;
                case ChatError.IdConflict:
                    Assert.NotEqual(request.Text, ids[EntryHash.OfId(epoch, request.UserId, request.Id!)].Entry.Text, StringComparer.Ordinal);
                    break;
                default:
                    Assert.Equal(ChatError.Unavailable, answer.Error);
                    break;
            }
        }

        private static void CheckStream(RoomActivation activation, List<LogEntry> log, string epoch)
        {
            var opened = (int)(activation.OpenedAt ?? 0);
            Assert.All(activation.Streamed, streamed => Assert.Equal(epoch, streamed.Epoch, StringComparer.Ordinal));
            Assert.Equal(log.Skip(opened).Take(activation.Streamed.Count).Select(entry => entry.Entry), activation.Streamed.Select(streamed => streamed.Entry));
        }
    }
}
