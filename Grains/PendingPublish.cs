using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains;

/// <summary>A front's batch on its way through the pump: requests, and the answers gathered so far.</summary>
internal sealed class PendingPublish
{
    private readonly TaskCompletionSource<PublishAnswer[]> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PublishRequest[] _requests;
    private readonly PublishAnswer[] _answers;
    private int _open;

    public PendingPublish(PublishRequest[] requests)
    {
        (_requests, _answers, _open) = (requests, new PublishAnswer[requests.Length], requests.Length);
        if (_open == 0)
            _completion.SetResult(_answers);
    }

    /// <summary>The pump's count of failures when this came in.</summary>
    public int Failures { get; set; }

    /// <summary>Ends when every request has its answer.</summary>
    public Task<PublishAnswer[]> Answers => _completion.Task;

    public PublishRequest this[int index] => _requests[index];

    /// <summary>Every answer has an epoch, if only an empty one.</summary>
    public bool IsAnswered(int index) => _answers[index].Epoch is not null;

    public void Answer(int index, PublishAnswer answer)
    {
        if (IsAnswered(index))
            return;
        _answers[index] = answer;
        if (--_open == 0)
            _completion.TrySetResult(_answers);
    }

    /// <summary>Refuses what cannot be stored, whatever the log holds.</summary>
    public void RefuseInvalid(int messageChars)
    {
        for (var i = 0; i < _requests.Length; i++)
        {
            if (PublishRules.Check(_requests[i], messageChars) is { } error)
                Answer(i, PublishAnswer.Refused(error));
        }
    }

    /// <summary>Refuses whatever has no answer yet.</summary>
    public void Refuse(ChatError error)
    {
        for (var i = 0; i < _requests.Length; i++)
            Answer(i, PublishAnswer.Refused(error));
    }

    public void CollectOpen(List<Slot> slots)
    {
        for (var i = 0; i < _requests.Length; i++)
        {
            if (!IsAnswered(i))
                slots.Add(new Slot(this, i));
        }
    }
}

/// <summary>One request's place in its batch.</summary>
internal readonly record struct Slot(PendingPublish Batch, int Index)
{
    public PublishRequest Request => Batch[Index];

    public bool IsAnswered => Batch.IsAnswered(Index);

    public void Answer(PublishAnswer answer) => Batch.Answer(Index, answer);
}
