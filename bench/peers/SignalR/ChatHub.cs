using Microsoft.AspNetCore.SignalR;

namespace OrleansChat.Bench.SignalR;

/// <summary>Rooms are groups.</summary>
internal sealed class ChatHub : Hub
{
    public Task JoinRoom(string room) => Groups.AddToGroupAsync(Context.ConnectionId, room);

    public Task SendMessage(string room, string message) => Clients.Group(room).SendAsync("ReceiveMessage", Context.ConnectionId, message);
}
